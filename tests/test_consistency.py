"""The gate: every room agrees with the register and with its twins. YAML only, no training, about a second."""

import re

import pytest

from infusion_guide.callbacks import fields, reading
from infusion_guide.replies.pins import changed
from infusion_guide.storage import taught as room
from infusion_guide.teaching import waiting
from tests.rooms import DATA, RETRIEVAL, ROOT, domain, files, label_of, measured, read_yaml, responses, same, trained

TRAINED = trained()
MEASURED = {folder: measured(folder) for folder in ("heldout", "development")}
REPLIES = responses()
DOMAIN = domain()
RULES = [rule for path in files("data", "rules") for rule in read_yaml(path)["rules"]]
CODE = "\n".join(
    p.read_text(encoding="utf-8") for folder in ("actions", "infusion_guide") for p in sorted((ROOT / folder).glob("**/*.py"))
)
# Intents that the pipeline sets by itself: nothing to train.
SET_BY_PIPELINE = {
    "check_in_ok",
    "empty_message",
    "form_answer",
    "nlu_fallback",
    "repeat_last",
    "several_questions",
    "too_long_message",
}
# What buttons send besides topics.
OTHER_BUTTONS = {"/help_now", "/check_in_ok", "/request_callback"} | {
    f"/form_answer/{choice}"
    for choice in (
        reading.AGREE,
        reading.DECLINE,
        reading.SEND_IT,
        reading.SKIP,
        reading.STOP,
        *fields.CHANGES,
        *reading.TIMES,
    )
}
# Replies that differ with the clinic's opening hours (actions/conversation.py, by_opening_hours).
BY_HOURS = set(re.findall(r"""by_opening_hours\("(utter_\w+)".*\)""", CODE))
# The topics of the contract (uncovered: at least these).
REGISTER = {
    "faq": "what_is how_works bdnf_glutamate dose_conscious addiction_use withdrawal cravings underlying_issues rapid_onset "
    "duration_frequency other_uses depression anxiety ptsd evidence what_is_addiction traditional_treatment coping_general "
    "routine_exercise_diet_sleep mindfulness support_groups triggers hobbies_journaling self_kindness loved_one "
    "professional_help",
    "uncovered": "cost insurance side_effects safety ketamine_addictiveness driving preparation session_length "
    "session_experience number_of_sessions aftercare candidacy_general pregnancy_fertility age_limits drug_test "
    "legality_approval other_conditions other_routes_products comparison_other_treatments "
    "therapy_combination mechanism_detail booking_logistics provider_quality "
    "local_provider ketamine_withdrawal condition_facts misconceptions privacy records_referral",
    "advice": "dosing interaction medication_change diagnosis eligibility side_effect_personal",
    "misuse": "obtain how_to_use conceal_use manufacture sell push_on_others",
    "crisis": "suicide self_harm overdose medical_emergency withdrawal_emergency violence_abuse someone_else check_in",
    "chitchat": "greet goodbye thanks bot_challenge bot_identity capabilities smalltalk react_positive "
    "react_negative repeat abuse_of_bot",
}


def test_every_contract_topic_has_sentences_and_a_reply():
    for kind, topics in REGISTER.items():
        for topic in topics.split():
            assert f"{kind}/{topic}" in TRAINED, f"data/nlu/{kind}/{topic}.yml is missing"
            assert f"utter_{kind}/{topic}" in REPLIES, f"data/responses/{kind}/{topic}.yml is missing"


def test_declared_intents_are_trained_or_set_by_the_pipeline():
    kinds = {label.split("/")[0] for label in TRAINED}
    declared = set(DOMAIN["intents"])
    assert declared == kinds | SET_BY_PIPELINE, f"domain.yml, intents: {sorted(declared ^ (kinds | SET_BY_PIPELINE))}"


def test_every_trained_topic_has_a_reply_and_the_reverse():
    topics = {label for label in TRAINED if "/" in label}
    answered = {name[len("utter_") :] for name in REPLIES if "/" in name}
    assert topics == answered, f"data/nlu and data/responses differ: {sorted(topics ^ answered)}"


def test_file_names_are_their_labels():
    for path in files("data", "nlu"):
        for block in read_yaml(path)["nlu"]:
            assert block["intent"] == label_of(path, DATA / "nlu"), path
    for path in files("data", "responses"):
        assert list(read_yaml(path)["responses"]) == [f"utter_{label_of(path, DATA / 'responses')}"], path


def test_every_file_opens_with_its_header():
    for path in files("data", "nlu"):
        head = path.read_text(encoding="utf-8").splitlines()[:4]
        for line, key in zip(head, ("Purpose", "Example", "Not", "Importance")):
            assert re.match(rf"# {key}: \S", line), f"{path}: the header needs '# {key}: ...'"
    for path in files("data", "responses"):
        head = path.read_text(encoding="utf-8").splitlines()[:3]
        for line, key in zip(head, ("Rests on", "Reviewed by", "Reviewed on")):
            assert re.match(rf"# {key}: \S", line), f"{path}: the header needs '# {key}: ...'"


def test_header_of_a_reply_names_its_sources():
    for path in files("data", "responses"):
        sources = next(iter(read_yaml(path)["responses"].values()))[0]["metadata"]["sources"]
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# Rests on: " + (", ".join(sources) or "nothing; it states no fact"), path


def test_every_reply_is_said_somewhere():
    in_rules = {step["action"] for rule in RULES for step in rule["steps"] if "action" in step}
    retrieval = {f"utter_{kind}" for kind in RETRIEVAL}
    in_rules |= {f"utter_ask_{slot}" for form in DOMAIN["forms"].values() for slot in form["required_slots"]}
    in_rules |= {f"utter_referral_{said['metadata']['refer']}" for variations in REPLIES.values() for said in variations}
    in_rules |= {f"{name}{hours}" for name in BY_HOURS for hours in ("", "_open", "_closed")}
    for name in REPLIES:
        said = name in in_rules or name.split("/")[0] in retrieval or re.search(rf"""["']{name}["']""", CODE)
        assert said, f"nobody says {name}"


def test_replies_named_in_code_and_rules_exist():
    names = set(re.findall(r"""["'](utter_[a-z_/]+[a-z])["']""", CODE)) - {"utter_fallback", "utter_action"}  # a prefix, a key
    names |= {s["action"] for rule in RULES for s in rule["steps"] if s.get("action", "").startswith("utter_")}
    for name in names - {f"utter_{kind}" for kind in RETRIEVAL}:
        assert name in REPLIES, f"{name} is named but not written"


def test_actions_and_files_have_one_name():
    in_files = {p.stem for p in (ROOT / "actions").glob("*_*.py")} - {"__init__"}
    declared = {name for name in DOMAIN["actions"] if name.startswith(("action_", "validate_"))}
    assert in_files == declared
    assert {p.stem[len("test_") :] for p in (ROOT / "tests" / "actions").glob("test_*.py")} == in_files


def test_rules_match_intents_not_sentences():
    """IntentRulePolicy does not look for sentences."""
    assert not [rule["rule"] for rule in RULES for step in rule["steps"] if "user" in step]


def test_rules_use_declared_intents_and_every_intent_leads_somewhere():
    used = {step["intent"] for rule in RULES for step in rule["steps"] if "intent" in step}
    declared = set(DOMAIN["intents"])
    assert used <= declared
    # FallbackPolicy answers these; out_of_scope is trained so that the gate can turn it into nlu_fallback.
    assert declared - used == {"empty_message", "too_long_message", "nlu_fallback", "out_of_scope"}


def test_buttons_lead_to_topics_with_a_title():
    for name, variations in REPLIES.items():
        for variation in variations:
            for label in variation["metadata"]["next"]:
                assert f"utter_{label}" in REPLIES, f"{name}: next topic {label} has no reply"
                assert REPLIES[f"utter_{label}"][0]["metadata"].get("title"), f"{label} has no title"
            for button in variation.get("buttons", []):
                assert button["payload"] in OTHER_BUTTONS, f"{name}: {button}"


def test_no_training_sentence_stands_under_two_labels():
    seen = {}
    for label, sentences in TRAINED.items():
        for sentence in sentences:
            other = seen.setdefault(same(sentence) or sentence, label)
            assert other == label, f"'{sentence}' stands under {other} and {label}"


@pytest.mark.parametrize("folder", ["heldout", "development"])
def test_measured_sentences_are_never_trained(folder):
    learned = {same(s) for sentences in TRAINED.values() for s in sentences}
    for label, sentences in MEASURED[folder].items():
        assert label in TRAINED or label in ("spanish_crisis", "two_questions"), f"tests/{folder}/{label}.yml: no such label"
        for sentence in sentences:
            # one or two words are nobody's own ("hello")
            assert same(sentence) not in learned or len(sentence.split()) < 3, (
                f"tests/{folder}/{label}.yml: '{sentence}' is trained"
            )


def test_heldout_and_development_share_nothing():
    development = {same(s) for sentences in MEASURED["development"].values() for s in sentences}
    for label, sentences in MEASURED["heldout"].items():
        for sentence in sentences:
            assert same(sentence) not in development or len(sentence.split()) < 3, f"{label}: '{sentence}'"


def test_every_label_is_measured():
    for folder in ("heldout", "development"):
        for label in TRAINED:
            assert label in MEASURED[folder], f"tests/{folder}/{label}.yml is missing"


def test_actions_hold_no_patient_facing_sentence():
    for path in (ROOT / "actions").glob("*.py"):
        assert not re.search(r"utter_message\(\s*(text=|\")", path.read_text(encoding="utf-8")), (
            f"{path}: words belong in data/responses"
        )


def test_what_staff_taught_was_tried_and_is_of_topics_that_may_be_taught():
    assert room.is_tried(), "data/taught/ was changed by hand: only `make teach` writes there"
    allowed = {label for labels in waiting.topics().values() for label in labels}
    for path in room.files():
        label = label_of(path, DATA / "taught")
        assert label in allowed, f"{path}: no such topic, or one that is not taught"
        assert list(room.sentences(path)) == [label], path
        head = path.read_text(encoding="utf-8").splitlines()[:2]
        for line, key in zip(head, ("Purpose", "Written by")):
            assert re.match(rf"# {key}: \S", line), f"{path}: the header needs '# {key}: ...'"


def test_waiting_sentences_can_be_read_and_have_a_topic():
    allowed = {label for labels in waiting.topics().values() for label in labels}
    for line in waiting.waiting():
        assert line.topic in allowed, f"data/taught/waiting.yml: '{line.topic}' is no topic that may be taught"


def test_crisis_words_are_those_that_were_signed():
    assert changed() == ""
