"""What patients see: every reply in every variation and state of a talk, on every channel. No words without what they promise."""

import html
import re

import pytest
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.channels import web
from infusion_guide.channels.platforms import platforms
from infusion_guide.channels.rendering import bubbles, chosen
from infusion_guide.channels.sms_segments import _BARE, plain
from infusion_guide.clinic.settings import Settings
from infusion_guide.nlu.history import choices
from infusion_guide.replies import book
from infusion_guide.replies import complete as completion
from infusion_guide.replies.complete import Situation, complete
from infusion_guide.replies.ledger import authorities, claims
from infusion_guide.replies.topic import Topic
from tests.test_replies import FORM, KEYWORDS, REPLIES, WHOLE

# What a clinic may have set. In the third no number is the default: words that hold one of their own are found.
SETTINGS = {
    "as delivered": Settings(),
    "with a phone and hours": Settings(clinic_phone="555-010-0142", clinic_hours="Mon-Fri 9-17"),
    "in another country": Settings(
        emergency_number="112",
        crisis_line="116123",
        poison_help="0800-010-0001",
        treatment_helpline="0800-010-0002",
        domestic_violence_hotline="0800-010-0003",
    ),
}
# A talk so far.
TALKS = {
    "the first message": {},
    "an answer before": {"said": ["utter_faq/ptsd"]},
    "a crisis before": {"said": ["utter_crisis/suicide"], "careful": True},
    "a miss before": {"said": ["utter_fallback_rephrase"]},
    "after a request": {"said": ["utter_callback_sent"], "request_sent": True},
    "in the form": {"said": ["utter_ask_callback_name"], "in_form": True},
}
PLATFORMS = {platform.name: platform for platform in platforms()}
ADDRESSES = {
    "telegram": {"chat": "x"},
    "slack": {"channel": "D1", "thread": None},
    "messenger": {"person": "x"},
    "whatsapp": {"to": "x"},
    "sms": "x",
}
CHANNELS = ("web", "rest", *PLATFORMS)
MEANT = ["faq/depression", "uncovered/cost", "faq/other_uses"]

CHOICE = re.compile(
    r"\bone of (these|them|the)\b|\b(pick|choose|tap|press) (a|an|one|another|any)\b|\b(topics?|buttons?|list) (here|below)\b"
    r"|\b(uno|una) de est[oa]s\b|\b(elija|escoja|toque|pulse)\b|\b(aquí )?abajo\b",
    re.I,
)
CALL = re.compile(r"\b(i can|can i|want me to|i could|let me) (also )?(ask|have) [\w' ]{1,20} (to )?call", re.I)
ASKED_FOR = {"/request_callback", "/form_answer/agree"}  # what asks for a call
NUMBER = re.compile(r"(?<![\w$-])\(?\d[\d() .-]*\d")


def told(name, turn, language, channel, talk):
    """The reply `name` at its `turn`-th use in a talk, as `channel` gets it."""
    now = TALKS[talk]
    offered = {"utter_tell_me_more": book.variations("utter_faq/ptsd")[0].next, "utter_fallback_choices": MEANT}.get(name, ())
    return complete(
        name,
        Situation(
            **{**now, "said": [*[name] * turn, *now.get("said", [])]},
            language=language,
            notice=channel in PLATFORMS,
            offered=offered,
            words={**KEYWORDS, **FORM},
        ),
    )


def leaves(value):
    """Every text in a call to a platform, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [text for inner in value for text in leaves(inner)]
    return [value] if isinstance(value, str) else []


def seen(channel, reply):
    """Everything that can be read of `reply` on `channel`, as one line."""
    if channel == "rest":
        shown = [reply.text, *(button.title for button in reply.buttons)]
    elif channel == "web":
        rendered = web._rendered(reply)
        shown = [rendered["text"], *(button["title"] for button in rendered.get("quick_replies", []))]
    else:
        platform = PLATFORMS[channel]
        shown = leaves([platform.calls(ADDRESSES[channel], bubble) for bubble in bubbles([reply], platform.limits)])
    return " ".join(html.unescape(" ".join(shown)).split())


def digits(text):
    return re.sub(r"\D", "", text)


def known_numbers(chosen_settings):
    """The digits of every number that may be said: the settings', the authorities', and those of the document's claims."""
    said = [str(value) for value in chosen_settings.words().values()]
    said += [fact for authority in authorities().values() for fact in authority.facts]
    said += [claim.words for claim in claims().values()] + list(KEYWORDS.values())
    return {digits(number) for text in said for number in NUMBER.findall(text)}


def broken_promises(reply, shown, numbers, in_form):
    """What `shown` says that is not there, in words; an empty list is well."""
    payloads = {button.payload for button in reply.buttons}
    choices = payloads - ASKED_FOR
    wrong = []
    if not reply.text.strip() or "{" in shown or "}" in shown:
        wrong.append("empty or unfilled")
    if CHOICE.search(reply.text) and not choices:
        wrong.append("choices without a choice")
    if CALL.search(reply.text) and not in_form and not payloads & ASKED_FOR:
        wrong.append("a call without its button")
    unknown = {number for number in NUMBER.findall(shown) if digits(number) not in numbers}
    return wrong + [f"the number {number}, which nobody set" for number in sorted(unknown)]


def forms(channel, title):
    """How a button's title may stand in a message: a text message may have to leave accents out."""
    return [plain(title), plain(title).translate(_BARE)] if channel == "sms" else [title]


@pytest.fixture(params=SETTINGS)
def numbers(request, monkeypatch):
    """The clinic's settings; gives the numbers that may be said."""
    for module in (completion, book):
        monkeypatch.setattr(module, "settings", lambda: SETTINGS[request.param])
    return known_numbers(SETTINGS[request.param])


@pytest.mark.parametrize("talk", TALKS)
@pytest.mark.parametrize("language", ["en", "es"])
def test_no_reply_promises_what_is_not_there(numbers, talk, language):
    wrong = []
    for name in [name for name in WHOLE if language == "en" or any(is_spanish(variation) for variation in REPLIES[name])]:
        for turn in range(len(REPLIES[name])):
            own, others = told(name, turn, language, "web", talk), told(name, turn, language, "telegram", talk)
            for channel in CHANNELS:
                reply = others if channel in PLATFORMS else own
                shown = seen(channel, reply)
                titles = [button.title for button in reply.buttons]
                missing = [title for title in titles if not any(form in shown for form in forms(channel, title))]
                found = broken_promises(reply, shown, numbers, TALKS[talk].get("in_form", False)) + [
                    f"no button {title}" for title in missing
                ]
                wrong += [f"{name} {turn} on {channel}: {each}" for each in found]
    assert not wrong, "\n".join(wrong)


def is_spanish(variation):
    return variation["metadata"].get("language") == "es"


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_was_perhaps_meant_is_offered_and_leads_to_its_answer(channel):
    reply = told("utter_fallback_choices", 0, "en", channel, "an answer before")
    assert [button.payload for button in reply.buttons] == [f"/{label}" for label in MEANT]
    titles = [book.topic_title(label) for label in MEANT]
    assert all(title in seen(channel, reply) for title in titles)
    if channel in PLATFORMS:  # where a title does not fit a button, its number stands in a list; the words always count
        platform = PLATFORMS[channel]
        assert [chosen(title, [reply], platform.limits) for title in titles] == [f"/{label}" for label in MEANT]
    if channel == "sms":
        assert [chosen(str(number), [reply], platform.limits) for number in (1, 2, 3)] == [f"/{label}" for label in MEANT]


def test_nothing_is_offered_that_was_meant_by_an_older_message():
    """The topics are those of the last message not understood; without any there is nothing to offer."""
    earlier = UserUttered("...", parse_data={"intent": {"name": "x"}, "choices": ["faq/ptsd"]})
    later = UserUttered("...", parse_data={"intent": {"name": "x"}, "choices": ["faq/anxiety"]})
    again = UserUttered("say that again", parse_data={"intent": {"name": "x"}})
    for events, meant in (([earlier, later, again], ["faq/anxiety"]), ([again], []), ([], [])):
        assert choices(DialogueStateTracker.from_events("x", events, slots=[])) == meant


def test_what_is_offered_has_a_title():
    """The gate offers topics of these kinds (tests/verdicts/gate.yml)."""
    for name in REPLIES:
        if name.startswith(("utter_faq/", "utter_uncovered/")):
            assert 0 < len(book.topic_title(Topic.of(name).label)) <= 30, name
