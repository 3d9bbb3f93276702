"""The names of the register, and which topic figures count a part of it with."""

import pytest

from infusion_guide.replies.book import names
from infusion_guide.replies.topic import KINDS, PART_OF, Topic


@pytest.mark.parametrize("spelled", ["faq/depression", "utter_faq/depression", "/faq/depression"])
def test_a_topic_is_one_however_it_is_spelled(spelled):
    topic = Topic.of(spelled)
    assert (topic.kind, topic.name, topic.label) == ("faq", "depression", "faq/depression")
    assert (topic.reply, topic.payload) == ("utter_faq/depression", "/faq/depression")


@pytest.mark.parametrize("spelled", ["request_callback", "/request_callback", "utter_request_callback"])
def test_what_has_no_topic_has_no_kind(spelled):
    assert Topic.of(spelled) == Topic("", "request_callback") and Topic.of(spelled).label == "request_callback"


@pytest.mark.parametrize(
    "label, counted",
    [
        ("faq/craving_now", "faq/cravings"),
        ("crisis/check_in_pill", "crisis/check_in"),
        ("uncovered/other_medicines", "uncovered/condition_facts"),
        ("faq/cravings", "faq/cravings"),
        ("fallback_person", "fallback_person"),
    ],
)
def test_a_part_is_counted_with_its_whole(label, counted):
    assert Topic.of(label).widest == Topic.of(counted)


def test_parts_and_wholes_are_topics_with_replies_and_no_whole_is_a_part():
    for part, whole in PART_OF.items():
        assert {Topic.of(part).reply, Topic.of(whole).reply} <= set(names()), part
        assert Topic.of(part).kind == Topic.of(whole).kind in KINDS, f"{part} would be counted under another kind"
        assert whole not in PART_OF


@pytest.mark.parametrize(
    "label, outcome",
    [
        ("faq/ptsd", "faq"),
        ("crisis/care_who", "crisis"),
        ("fallback_person", "fallback"),
        ("talk_to_person", "other"),
        ("x/y", "other"),
    ],
)
def test_the_outcome_of_a_reply(label, outcome):
    assert Topic.of(label).outcome == outcome
