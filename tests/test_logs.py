"""Planted personal data through every way out of the process: none of it may be written."""

import json
import re
import subprocess
import sys
import textwrap

import pytest

from infusion_guide.clinic.settings import ROOT
from infusion_guide.watch import logs

PLANTED = ["Maria", "Sanchez", "555-010-7788", "5550107788", "maria@example.org", "want to die", "ketamine", "x9q", "hunter2"]

# Everything personal comes from outside, as it does in life: what stands in source code may be logged.
SCRIPT = """
import asyncio, json, logging, os, sys, threading, warnings
import structlog
import infusion_guide
from rasa.utils.log_utils import configure_structlog

NAME, PHONE, MAIL, TEXT, LONG, PASSWORD = json.loads(os.environ["PLANTED"])
configure_structlog(logging.DEBUG)
early = structlog.get_logger("rasa.early")
early.debug("used.before")  # Rasa caches such loggers with its own processors
from infusion_guide.watch.logs import about, configure_logs

stray = logging.getLogger("stray")
stray.addHandler(logging.StreamHandler())
stray.propagate = False
configure_logs()
logging.getLogger("late").addHandler(logging.StreamHandler())

foreign, ours = logging.getLogger("sanic.error"), logging.getLogger("infusion_guide.test")


class Unprintable:
    def __str__(self):
        raise ValueError(TEXT)


def fail(secret_local):
    words = f"{secret_local} {TEXT}"
    raise RuntimeError(f"no answer to {words}")


def caught(log):
    try:
        try:
            fail(NAME)
        except RuntimeError as error:
            raise KeyError(PHONE) from error
    except KeyError as error:
        log(error)


with about("web:" + "k" * 24):
    foreign.info(f"received {TEXT} from {NAME}")
    foreign.warning("received %s", TEXT)
    foreign.error("%s and %d", TEXT, PHONE)  # does not fit together
    foreign.error(TEXT)
    foreign.error("with %s", NAME, extra={"text": TEXT, "slot": MAIL}, stack_info=True)
    foreign.log(logging.ERROR, "level first %s", MAIL)
    foreign.error({"event": TEXT, "component": NAME + PHONE, "user_text": TEXT})
    foreign.error("object %s", Unprintable())
    stray.error(f"stray {TEXT}")
    logging.getLogger("late").error(f"late {PHONE}")
    caught(lambda error: foreign.exception(f"caught {error}"))
    caught(lambda error: foreign.error(error))
    caught(lambda error: ours.exception("Ours failed: %s", error))
    caught(lambda error: ours.error("Ours by name: %(error)s", {"error": error}))
    ours.error("Ours with %d replies of %s", 3, "web")
    for structured in (early, structlog.get_logger("rasa.late"), structlog.get_logger()):
        structured.error("processor.message", text=TEXT, user_text=NAME, sender_id=PHONE, action_name="utter_greet", count=2)
        structured.info(f"said {TEXT}")
        structured.warning("said %s", MAIL)
        caught(lambda error: structured.exception("processor.failed", event_info=TEXT, error=error))
        caught(lambda error: structured.error("processor.failed.again", exc_info=error, node_name=TEXT))
    logging.getLogger("sanic.access").error(TEXT)
    warnings.simplefilter("always")
    warnings.warn(f"careful with {NAME}")

    thread = threading.Thread(target=fail, args=(PHONE,))
    thread.start()
    thread.join()

    async def in_loop():
        configure_logs()
        asyncio.get_running_loop().call_soon(fail, NAME)
        task = asyncio.create_task(asyncio.sleep(0, fail))
        asyncio.get_running_loop().call_exception_handler(
            {"message": f"broken {TEXT}", "exception": ValueError(MAIL), "future": NAME}
        )
        await task
        asyncio.create_task(failing(TEXT))
        await asyncio.sleep(0.01)

    async def failing(words):
        raise OSError(words)

    asyncio.run(in_loop())

with about("rest:" + NAME):
    ours.error("Conversation %s failed", "rest:" + NAME)
foreign.error("outside")
sys.stderr.flush()
raise ValueError(f"{TEXT} {PASSWORD}")
"""


def everything_fails(folder, **settings):
    """All that a process writes with `settings` while everything goes wrong."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    planted = ["Maria Sanchez", "555-010-7788", "maria@example.org", "I want to die, 5550107788", "ketamine x9q", "hunter2"]
    env = {"PYTHONPATH": str(ROOT), "PLANTED": json.dumps(planted), "PATH": "", **settings}
    done = subprocess.run([sys.executable, str(script)], env=env, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return everything_fails(tmp_path_factory.mktemp("logs"), PRODUCTION="true", SECRET_KEY="k" * 32)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    return everything_fails(tmp_path_factory.mktemp("calm"))


@pytest.fixture(scope="module")
def lines(output):
    found = [json.loads(line) for line in output.splitlines() if line.startswith("{") and '"time"' in line]
    assert found
    return found


@pytest.mark.parametrize("word", PLANTED)
def test_nothing_planted_is_written(output, calm, word):
    assert word.lower() not in output.lower() and word.lower() not in calm.lower()


def test_a_developer_reads_plain_lines_of_what_is_wrong(calm):
    lines = [line for line in calm.splitlines() if re.match(r"\d\d:\d\d:\d\d assistant, ", line)]
    caught = next(line for line in lines if "caught {error}" in line)
    assert re.fullmatch(r"[0-9:]{8} assistant, error: caught \{error\} \(\S+/script\.py:\d+\)", caught)
    assert "  because of builtins.RuntimeError at " in calm and '"time"' not in calm
    assert not any("received" in line or "UserWarning" in line for line in lines), "what a library warns of is no news"
    assert any("Ours with 3 replies" in line for line in lines)


def test_every_route_wrote_something(lines):
    events = {line["event"] for line in lines}
    assert {
        "received {TEXT} from {NAME}",
        "received %s",
        "%s and %d",
        "with %s",
        "level first %s",
        "object %s",
        "stray {TEXT}",
        "caught {error}",
        "Ours failed: KeyError",
        "Ours by name: KeyError",
        "Ours with 3 replies of web",
        "processor.message",
        "processor.failed",
        "processor.failed.again",
        "said {TEXT}",
        "said %s",
        "An exception that nobody caught.",
        "An exception that nobody caught in the event loop.",
        "Task exception was never retrieved",
    } <= events
    assert any(re.fullmatch(r"UserWarning at .*script\.py:\d+", event) for event in events)
    assert sum(line["event"] == "processor.message" for line in lines) == 3  # the logger that Rasa had cached, too


def test_a_line_says_when_what_and_where(lines):
    line = next(line for line in lines if line["event"] == "processor.message")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])
    assert line["level"] == "error" and line["service"] == "assistant"
    assert line["action_name"] == "utter_greet" and line["count"] == 2
    assert set(line) <= {"time", "level", "service", "logger", "event", "at", "conversation", "action_name", "count"}
    assert re.search(r"script\.py:\d+$", line["at"])


def test_the_conversation_is_named(lines):
    during = next(line for line in lines if line["event"] == "caught {error}")
    assert during["conversation"] == "web:" + "k" * 24
    assert "conversation" not in next(line for line in lines if line["event"] == "outside")
    in_loop = [line for line in lines if line["event"].endswith("in the event loop.")]
    assert any(line.get("conversation") for line in in_loop)


def test_an_id_that_a_caller_chose_is_hashed(lines):
    line = next(line for line in lines if line["event"].startswith("Conversation rest:#"))
    assert re.fullmatch(r"rest:#[0-9a-f]{12}", line["conversation"])


def test_exceptions_have_type_source_words_and_stack(lines):
    line = next(line for line in lines if line["event"] == "caught {error}")
    key, run = line["errors"]
    assert key["type"] == "builtins.KeyError" and "words" not in key
    assert run["type"] == "builtins.RuntimeError" and run["words"] == "no answer to {words}"
    assert [place.rsplit(":", 1)[1] for place in run["stack"]] == ["caught", "fail"]


def test_an_exception_in_the_place_of_words_is_told_by_its_type(lines):
    line = next(line for line in lines if line["event"] == "(words withheld)" and "errors" in line)
    assert line["errors"][0]["type"] == "builtins.KeyError"


def test_access_logs_are_off(lines):
    assert not any(line["logger"] == "sanic.access" for line in lines)


@pytest.mark.parametrize(
    "conversation, written",
    [
        ("web:" + "aB_-" * 6, True),
        ("sms:" + "0f" * 16, True),
        ("rest:me", False),
        ("rest:555-010-7788", False),
        ("Maria Sanchez", False),
        ("sms:+15550107788", False),
    ],
)
def test_only_issued_ids_are_written(conversation, written):
    assert (logs._safe(conversation) == conversation) is written


@pytest.mark.parametrize("value, may", [("utter_greet", True), (3, True), (5550107788, False), ("Maria S", False), ([], False)])
def test_allowed_keys_hold_small_numbers_and_names_only(value, may):
    assert logs._may_be_written(value) is may


def test_paths_lose_this_machine():
    assert logs._short(f"{ROOT}/infusion_guide/clinic/settings.py") == "infusion_guide/clinic/settings.py"
    assert not logs._short(json.__file__).startswith("/")
