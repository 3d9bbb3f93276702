"""`make chat`: a conversation in the terminal, by the door, with buttons that are typed; nothing listens."""

import os
import subprocess
import sys

import psutil
import pytest

from infusion_guide.channels.message import MAX_TEXT
from infusion_guide.clinic.settings import ROOT
from infusion_guide.run import chat
from infusion_guide.run.__main__ import NO_DATABASE
from infusion_guide.storage.turn import current_turn
from tests.ports import free_port


@pytest.fixture
def assistant():
    """Stands for Rasa: repeats what it hears under two buttons; `heard` are the messages."""

    async def on_new_message(message):
        on_new_message.heard.append(message)
        if message.text == "break":
            raise RuntimeError
        buttons = [{"title": "Does it hurt?", "payload": "/faq/pain"}, {"title": "A person", "payload": "/talk_to_person"}]
        reply = {"text": f"You said {message.text}", "buttons": buttons}
        await message.output_channel.send_response(message.sender_id, reply)
        current_turn.get().stored = True

    on_new_message.heard = []
    return on_new_message


async def told(assistant, *typed):
    """What was said, answer by answer, to somebody who typed `typed`."""
    lines, said = iter([*typed, chat.END[0]]), []

    async def ask():
        return next(lines)

    await chat.talk(assistant, ask, said.append)
    return said


async def test_buttons_are_numbers_that_can_be_typed(assistant):
    said = await told(assistant, "hello", "2", "does it hurt", "7")
    assert said[0].startswith("You said hello\n") and "\n1. Does it hurt?\n2. A person" in said[0]
    assert [message.text for message in assistant.heard] == ["hello", "/talk_to_person", "/faq/pain", "7"]


async def test_it_is_one_conversation_of_its_own(assistant):
    await told(assistant, "one", "two")
    first, second = (message.sender_id for message in assistant.heard)
    assert first == second and first.startswith("terminal:")
    await told(assistant, "three")
    assert assistant.heard[-1].sender_id != first


async def test_what_fails_is_met_with_first_aid(assistant, monkeypatch):
    monkeypatch.setattr("infusion_guide.channels.door._TRIES", 1)
    said = await told(assistant, "break", "I want to kill myself" + "!" * MAX_TEXT)
    assert "988" in said[0] and "longer than" in said[1]


async def test_a_crisis_gets_its_words_though_the_assistant_is_broken():
    async def broken(_):
        raise RuntimeError

    assert "call 911" in (await told(broken, "I want to kill myself"))[0]


async def test_the_end_of_the_input_ends_it(monkeypatch):
    def ended(_):
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    assert await chat.typed() == chat.END[0]


def test_as_a_command_with_the_trained_assistant(trained_assistant, tmp_path):
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/clinic.db", "PORT": str(free_port())}
    command = [sys.executable, "-W", "ignore", "-m", "infusion_guide.run", "chat"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=env, **pipes) as process:
        begun = [process.stdout.readline(), process.stdout.readline()]
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        assert not [each for one in family for each in one.net_connections() if each.status == psutil.CONN_LISTEN]
        said, wrong = process.communicate("does it help with depression?\n1\n")
    assert process.returncode == 0 and wrong == "", wrong
    assert begun[0].startswith("Loading the assistant ... done") and begun[1].startswith("Type your question")
    words = " ".join(said.split())  # lines are wrapped
    assert "Depression is heavy" in words and "1. If it doesn't help" in words and "That's an honest worry" in words


def test_a_failure_is_an_exit_code(tmp_path):
    env = {**os.environ, "DATABASE_URL": f"postgresql://x@127.0.0.1:{free_port()}/x"}
    command = [sys.executable, "-W", "ignore", "-m", "infusion_guide.run", "chat"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == NO_DATABASE and done.stderr.count("\n") == 1 and "DATABASE_URL" in done.stderr
