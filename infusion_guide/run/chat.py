"""`make chat`: talks to the trained assistant in the terminal, in this process; nothing listens anywhere.

It comes in by the door like every patient's channel: the same limits, the same first aid, the same storage.
"""

import asyncio
import secrets
import shutil
import textwrap
from pathlib import Path
from typing import Any, Awaitable, Callable, List

from rasa.core.agent import Agent

from infusion_guide.channels.door import answer
from infusion_guide.channels.message import Message, Refused, text_of
from infusion_guide.channels.rendering import Limits, bubbles, chosen
from infusion_guide.engine.serving import loaded
from infusion_guide.replies import first_aid
from infusion_guide.replies.reply import Reply
from infusion_guide.watch.logs import configure_logs

CHANNEL = "terminal"
END = ("/stop", "/quit")
_LIMITS = Limits(text=100_000)  # no buttons: a terminal shows them as a numbered list

Ask = Callable[[], Awaitable[str]]


def load(model: Path) -> Agent:
    """The assistant of `model`, as it is served."""
    agent = asyncio.run(loaded(model))
    first_aid.warm_up()
    return agent


def chat(agent: Agent) -> int:
    """Talks until the input ends or one of END is typed; the exit code."""
    configure_logs("chat")
    print(f"Type your question, or the number of a button. {END[0]} ends the talk.", flush=True)
    try:
        asyncio.run(talk(agent.handle_message, typed, lambda words: print(words, flush=True)))
    except KeyboardInterrupt:
        print()
    return 0


async def typed() -> str:
    """The next line; END[0] when the input ended."""
    try:
        return await asyncio.get_running_loop().run_in_executor(None, input, "\nYou: ")
    except EOFError:
        return END[0]


async def talk(on_new_message: Callable[[Any], Awaitable[Any]], ask: Ask, say: Callable[[str], None]) -> None:
    """One conversation: what `ask` gives goes to the assistant, `say` gets what it answers."""
    conversation = f"{CHANNEL}:{secrets.token_urlsafe(18)}"
    said: List[Reply] = []
    while (text := (await ask()).strip()) not in END:
        try:
            words = text_of(chosen(text, said, _LIMITS) or text)
        except Refused as refused:
            say(str(refused))
            continue
        said = (await answer(on_new_message, Message(conversation, words, CHANNEL))).replies
        say("\n".join(_wrapped(bubble.text) for bubble in bubbles(said, _LIMITS)))


def _wrapped(text: str) -> str:
    width = min(shutil.get_terminal_size().columns, 100)
    return "\n".join(textwrap.fill(line, width) for line in text.split("\n"))
