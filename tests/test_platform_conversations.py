"""A whole conversation with the real assistant on every messaging platform, signed as the platform signs."""

import random
import re
import time
import urllib.error
import urllib.request

import pytest

from infusion_guide.channels.platforms import names
from infusion_guide.replies.pins import pinned
from tests.callers import CALLERS, forge
from tests.faults.cluster import problems_in, wait_until
from tests.fuzz.calls import some_body

PINNED = pinned()["en"]
PICTURE, BUTTON = object(), object()


PLATFORMS = [CALLERS[name] for name in names()]
TURNS = [
    ("hi there", "program"),
    ("could it help me with cravings?", "cravings"),
    (BUTTON, None),
    (PICTURE, "words"),
    ("i can't go on, i want to end my life", "988"),
    ("sorry, i did not mean it like that, i am safe", None),
    ("what does one infusion cost?", None),
    ("how much ketamine should i take", None),
    ("what can i do at home when i feel triggered?", None),
    ("thank you", None),
]


def status_of(server, platform, data, headers):
    call = urllib.request.Request(f"{server.url}/webhooks/{platform.name}/webhook", data, headers)
    try:
        with urllib.request.urlopen(call, timeout=20) as answered:
            return answered.status
    except urllib.error.HTTPError as error:
        return error.code
    except ConnectionError:
        return None  # cut off: more than a call may hold


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_random_calls_signed_and_not_break_nothing(development_server, platform):
    """Two hundred a platform, every second one genuine: random bytes, wrong types, huge and empty bodies."""
    random_ = random.Random(platform.name)
    before = len(problems_in(development_server.log))
    for number in range(200):
        data = some_body(random_)
        headers = platform.signed(data) if number % 2 else {"Content-Type": "application/json"}
        status = status_of(development_server, platform, data, headers)
        assert status in (200, 400, 401, 403, 413, None), (status, data[:200])
    assert development_server.alive and problems_in(development_server.log)[before:] == []


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform.name)
def test_ten_turns_a_burst_and_what_is_not_genuine(development_server, platform):
    server, stand_in = development_server, development_server.platforms

    def post(data, headers):
        return status_of(server, platform, data, headers)

    def sent():
        return [body for name, path, body in stand_in.got if name == platform.name and path.endswith(platform.sends)]

    def next_answers(before):
        wait_until(lambda: len(sent()) > before, 10)
        time.sleep(0.3)  # an answer may have several parts
        return sent()[before:]

    answers = []
    for number, (words, expected) in enumerate(TURNS, start=1):
        before = len(sent())
        more = {"payload": platform.first_button(answers[-1])} if words is BUTTON else {"picture": words is PICTURE}
        data, headers = platform.call(number, None if words in (BUTTON, PICTURE) else words, **more)
        assert post(data, headers) == 200
        answers = next_answers(before)
        text = "\n".join(platform.text(body) for body in answers)
        assert (expected or "").lower() in text.lower(), text
        assert not re.search(r"(^|\s)/[a-z_]+/", text) and "utter_" not in text, text
        assert ("not private" in text) == (number == 1), text
        if expected == "988":
            assert PINNED["utter_crisis/suicide"][0][:60] in text
    # A burst of three, each answered once and in order, though the platform sends one of them again.
    before = len(sent())
    burst = [platform.call(20 + n, words) for n, words in enumerate(("what is ketamine?", "what is ptsd?", "thank you"))]
    assert [post(*call) for call in [*burst, burst[1]]] == [200] * 4
    wait_until(lambda: len(sent()) >= before + 3, 10)
    time.sleep(0.5)
    assert len(sent()) == before + 3
    # Forged and changed calls change nothing.
    before, rows = len(sent()), server.rows("events")
    data, headers = platform.call(40, "i am somebody else")
    forged = forge(headers)
    assert post(data, forged) in (401, 403) and post(data, {"Content-Type": headers["Content-Type"]}) in (401, 403)
    if platform.name != "telegram":  # whose secret does not cover the words
        assert post(data.replace(b"somebody", b"nobody"), headers) in (401, 403)
    time.sleep(0.3)
    assert len(sent()) == before and server.rows("events") == rows
