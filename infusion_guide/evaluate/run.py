"""Runs messages through the whole assistant, each as the first of a fresh conversation."""

import asyncio
import uuid
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from rasa.core.agent import Agent, load_agent
from rasa.core.channels.channel import CollectingOutputChannel, UserMessage
from rasa.core.utils import AvailableEndpoints
from rasa.shared.core.events import BotUttered
from rasa.utils.endpoints import EndpointConfig
from tqdm import tqdm

from infusion_guide.engine.actions import InProcess
from infusion_guide.evaluate.sentences import Said
from infusion_guide.replies.topic import KINDS, Topic

Outcome = Dict[str, Any]


class Assistant:
    """The trained assistant in this process, with conversations in memory."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent

    async def say(self, sender: str, text: str) -> List[BotUttered]:
        """Sends one message of the conversation `sender`; the bot's events of this turn, in order."""
        before = await self.agent.tracker_store.retrieve(sender)
        heard = sum(isinstance(e, BotUttered) for e in before.events) if before else 0
        await self.agent.handle_message(UserMessage(text, CollectingOutputChannel(), sender, input_channel="rest"))
        tracker = await self.agent.tracker_store.retrieve(sender)
        return [e for e in tracker.events if isinstance(e, BotUttered)][heard:]

    async def outcome(self, text: str, sender: Optional[str] = None) -> Outcome:
        """What the assistant makes of `text` in a fresh conversation, or in that of `sender` (the contract of `make eval`)."""
        sender = sender or uuid.uuid4().hex
        said = await self.say(sender, text)
        tracker = await self.agent.tracker_store.retrieve(sender)
        names = [event.metadata.get("utter_action", "") for event in said]
        kind, topic = kind_and_topic(names)
        return {
            "text": text,
            "kind": kind,
            "topic": topic,
            "confidence": float((tracker.latest_message.intent or {}).get("confidence") or 0.0),
            "replies": names,
            "reply_text": "\n\n".join(event.text or "" for event in said),
            "buttons": [button["title"] for event in said for button in event.data.get("buttons") or []],
        }

    async def talk(self, texts: Sequence[str]) -> Outcome:
        """One conversation: `turns`, an outcome for each of `texts`."""
        sender = uuid.uuid4().hex
        return {"turns": [await self.outcome(text, sender) for text in texts]}


def kind_and_topic(names: List[str]) -> "tuple[str, Optional[str]]":
    """Kind and topic of a turn's replies: a crisis counts first, then the first reply on a topic. A part counts as its whole."""
    said = [Topic.of(name).widest for name in names]
    for topic in sorted((each for each in said if each.kind in KINDS), key=lambda each: each.kind != "crisis"):
        return topic.kind, topic.name
    return "fallback" if any(topic.is_fallback for topic in said) else "other", None


def assistant(model: Path) -> Assistant:
    """The assistant of `model`, ready to talk."""
    replies = EndpointConfig(type="infusion_guide.engine.replies.ReviewedReplies")
    agent = asyncio.run(load_agent(model_path=str(model), endpoints=AvailableEndpoints(action=InProcess(), nlg=replies)))
    return Assistant(agent)


def outcomes(talker: Assistant, said: Sequence[Said], show: bool = True) -> List[Outcome]:
    """Outcome of each text or, of a sequence of texts, of their conversation, in order; a progress bar while it runs."""

    async def run_all() -> List[Outcome]:
        return [
            await (talker.outcome(each) if isinstance(each, str) else talker.talk(each))
            for each in tqdm(said, disable=not show, unit="message", mininterval=5)
        ]

    return asyncio.run(run_all())
