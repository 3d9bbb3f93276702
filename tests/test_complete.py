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


def wording(label):
    """The wording that `label` means: a file of data/responses/, maybe with the number of the wording in it."""
    name, _, number = label.partition(":")
    return variations(reply_of(name))[int(number or 0)]


def words(label, reply, now):
    """The line that `label` means in `reply`."""
    if label == "own":
        return f"{line('utter_clinic_answer_intro')} {now.own.strip()}"
    section = sources(reply.sources)[0].name if reply.sources else ""
    return fill(wording(label).text, {"section": section, **now.hours})


@pytest.mark.parametrize("case", CASES, ids=[case["when"] for case in CASES])
def test_a_patient_reads(case):
    special = case.get("situation", {})
    now = Situation(**{**special, "said": [reply_of(label) for label in special.get("said", [])]})
    reply = complete(reply_of(case["reply"]), now)
    assert reply.text.split("\n") == [words(label, reply, now) for label in case["lines"]]
    assert [button.payload for button in reply.buttons] == [f"/{label}" for label in case["buttons"]]
    assert [button.title for button in reply.buttons] == [topic_title(label) for label in case["buttons"]]
    said = next(label for label in case["lines"] if label == "own" or reply_of(label.partition(":")[0]) == reply.name)
    assert reply.sources == (("clinic",) if said == "own" else tuple(wording(said).sources))


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
