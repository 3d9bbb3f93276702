"""How a reply is completed: every case of tests/replies/situations.yml, line for line and button for button."""

from pathlib import Path

import pytest

from infusion_guide.clinic.data import read_yaml
from infusion_guide.replies.book import fill, line, names, topic_title, variations
from infusion_guide.replies.care import NO_CALLBACK, OFFERS_CALLBACK, misses_running
from infusion_guide.replies.complete import Situation, complete
from infusion_guide.replies.sources import sources
from infusion_guide.replies.topic import Topic

CASES = read_yaml(Path(__file__).parent / "replies" / "situations.yml")["cases"]


def reply_of(label):
    return Topic.of(label).reply


def wording(label, language):
    """The wording that `label` means: a file of data/responses/, maybe with the number of the wording among its language's."""
    name, _, number = label.partition(":")
    return [each for each in variations(reply_of(name)) if each.language == language][int(number or 0)]


def words(label, reply, now):
    """The line that `label` means in `reply`; "a + b" is one line of two."""
    if label == "own":
        return f"{line('utter_clinic_answer_intro', language=now.language)} {now.own.strip()}"
    section = sources(reply.sources, now.language)[0].name if reply.sources else ""
    filled = {"section": section, **now.hours}
    return " ".join(fill(wording(each, now.language).text, filled) for each in label.split(" + "))


@pytest.mark.parametrize("case", CASES, ids=[case["when"] for case in CASES])
def test_a_patient_reads(case):
    special = case.get("situation", {})
    now = Situation(**{**special, "said": [reply_of(label) for label in special.get("said", [])]})
    reply = complete(reply_of(case["reply"]), now)
    assert reply.text.split("\n") == [words(label, reply, now) for label in case["lines"]]
    assert [button.payload for button in reply.buttons] == [f"/{label}" for label in case["buttons"]]
    assert [button.title for button in reply.buttons] == [topic_title(label, now.language) for label in case["buttons"]]
    assert reply.name == reply_of(case.get("instead", case["reply"]))
    said = [each for label in case["lines"] for each in label.split(" + ") if reply_of(each.partition(":")[0]) == reply.name]
    if "own" in case["lines"]:
        assert reply.sources == ("clinic",)
    elif said:
        assert reply.sources == tuple(wording(said[0], now.language).sources)


def test_what_no_reply_has_and_what_nothing_fills_is_an_error():
    with pytest.raises(KeyError, match="utter_nothing"):
        complete("utter_nothing", Situation())
    with pytest.raises(KeyError, match="claims"):
        complete("utter_source", Situation(words={"section": "Other Uses"}))


def test_the_lists_of_replies_name_real_ones():
    assert set(names()) >= NO_CALLBACK
    for known in OFFERS_CALLBACK:
        assert any(name.startswith(known) for name in names()), known


@pytest.mark.parametrize(
    "said, running",
    [
        ([], []),
        (["fallback_rephrase"], ["fallback_rephrase"]),
        (["fallback_choices", "faq/ptsd"], []),
        (["fallback_person", "faq/ptsd", "fallback_choices", "fallback_rephrase"], ["fallback_choices", "fallback_rephrase"]),
    ],
)
def test_misses_that_run_on(said, running):
    assert list(misses_running([reply_of(label) for label in said])) == [reply_of(label) for label in running]
