"""Every reply of the assistant as a messaging platform gets it: what must be seen of it there, and what must not."""

import asyncio
import re

from rasa.shared.core.events import BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.channels.rendering import bubbles
from infusion_guide.replies.reply import Reply
from tests.test_replies import DOMAIN, KEYWORDS, NLG, REPLIES, WHOLE

PAYLOAD = re.compile(r"(?<![\w/])/[a-z_]+(/[a-z_]+)?\b")


def every_reply(channel):
    """Each reply in each variation and language on `channel`: as the first of a talk (with the notice) and as a later one."""

    async def all_of_them():
        return [
            await _said(channel, name, turn, language, first, careful)
            for name in WHOLE
            for turn in range(len(REPLIES[name]))
            for language in ("en", "es")
            for first in ((True, False) if turn == 0 else (False,))
            for careful in (False, True)
        ]

    return asyncio.run(all_of_them())


async def _said(channel, name, turn, language, first, careful):
    events = [] if first else [BotUttered("...", metadata={"utter_action": "utter_chitchat/thanks"})]
    events += [BotUttered("...", metadata={"utter_action": name}) for _ in range(turn)] + [SlotSet("careful", careful)]
    events.append(UserUttered("...", parse_data={"language": language, "intent": {"name": "x"}}, input_channel=channel))
    tracker = DialogueStateTracker.from_events("x", events, slots=DOMAIN.slots)
    return Reply.of_message(await NLG.generate(name, tracker, channel, **KEYWORDS))


def assert_whole(channel, replies, address, seen):
    """All words and all choices of `replies` are seen at `address`, and no payload is. The calls that show them.

    `seen(call)`: the text and the buttons' titles that a person reads of a call.
    """
    calls = [call for bubble in bubbles(replies, channel.limits) for call in channel.calls(address, bubble)]
    read = [words for call in calls for words in seen(call)]
    together = " ".join(" ".join(read).split())
    for reply in replies:
        for line in reply.text.splitlines():
            assert " ".join(line.split()) in together, line
        for button in reply.buttons:
            assert button.title in together and button.payload not in together, button
    assert not PAYLOAD.search(together), together
    return calls
