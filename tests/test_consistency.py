"""The gate: every room agrees with the register and with its twins. YAML only, no training, about a second."""

import re

import pytest

from infusion_guide.callbacks import fields, reading
from infusion_guide.evaluate.conversations import conversations
from infusion_guide.nlu.followups import followups
from infusion_guide.replies.care import is_care, is_check_in
from infusion_guide.replies.pins import changed
from infusion_guide.replies.topic import Topic
from infusion_guide.storage import taught as room
from infusion_guide.teaching import waiting
from tests.rooms import DATA, RETRIEVAL, ROOT, domain, files, followed, label_of, measured, read_yaml, responses, same, trained

TRAINED = trained()
FOLLOWED = followed()
NLU, SPANISH, PAIRS, FOLLOWUPS = DATA / "nlu", DATA / "nlu" / "es", DATA / "nlu" / "pairs", DATA / "followups"
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
    "explain_last",
    "form_answer",
    "nlu_fallback",
    "not_my_question",
    "repeat_last",
    "several_questions",
    "start_tool",
    "too_long_message",
    "tool_answer",
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


def test_every_learned_topic_has_a_reply_and_the_reverse():
    topics = {label for label in [*TRAINED, *FOLLOWED] if "/" in label}
    answered = {name[len("utter_") :] for name in REPLIES if "/" in name}
    asked = {Topic.of(name).label for name in REPLIES if is_check_in(name)}  # the gate chooses among the gentle questions
    assert topics | asked == answered, f"what is learned and data/responses differ: {sorted((topics | asked) ^ answered)}"


def test_care_after_danger_is_learned_after_danger_alone():
    """The guard would hear an alarm in it, and by itself "do i have to give my name" is about something else."""
    assert not [label for label in TRAINED if is_care(Topic.of(label).reply)]
    for path in files("data", "followups"):
        after = read_yaml(path)
        learned = [label for label in after["said"] if is_care(Topic.of(label).reply)]
        assert not learned or Topic.of(after["after"]).kind == "crisis", f"{path}: {learned}"


def test_file_names_are_their_labels():
    for path in files("data", "nlu"):
        if PAIRS not in path.parents:
            label = label_of(path, SPANISH if SPANISH in path.parents else NLU)
            assert {block["intent"] for block in read_yaml(path)["nlu"]} == {label}, path
    for path in files("data", "responses"):
        assert list(read_yaml(path)["responses"]) == [f"utter_{label_of(path, DATA / 'responses')}"], path


def test_every_file_opens_with_its_header():
    for path in files("data", "nlu"):
        if PAIRS in path.parents:
            needs_header(path, "Family", "Readings", "Reason")
        elif SPANISH in path.parents:
            first = path.read_text(encoding="utf-8").splitlines()[0]
            assert first == f"# What patients and families write in Spanish about {label_of(path, SPANISH)}", path
        else:
            needs_header(path, "Purpose", "Example", "Not", "Importance")
    for path in files("data", "responses"):
        needs_header(path, "Rests on", "Reviewed by", "Reviewed on")


def needs_header(path, *keys):
    head = path.read_text(encoding="utf-8").splitlines()[: len(keys)]
    for line, key in zip(head, keys, strict=True):
        assert re.match(rf"# {key}: \S", line), f"{path}: the header needs '# {key}: ...'"


def test_minimal_pairs_are_twins():
    """Blocks come in twos, a line of the one is the twin of the same line of the other, and each says its family."""
    for path in files("data", "nlu", "pairs"):
        blocks = read_yaml(path)["nlu"]
        assert len(blocks) % 2 == 0, f"{path}: blocks come in twos"
        for first, second in zip(blocks[::2], blocks[1::2]):
            labels = [first["intent"], second["intent"]]
            assert labels[0] != labels[1], f"{path}: twins have two readings"
            assert len(first["examples"].splitlines()) == len(second["examples"].splitlines()), f"{path}: {labels}"
            assert first["metadata"] == second["metadata"], f"{path}: {labels}"
            assert first["metadata"]["family"] == path.stem, f"{path}: {labels}"
            assert first["metadata"].get("language", "en") in ("en", "es"), f"{path}: {labels}"


def test_twins_are_twins_in_either_order():
    """Of a pair with danger in it one twin is harmless; else both are ordinary topics."""
    for path in files("data", "nlu", "pairs"):
        blocks = read_yaml(path)["nlu"]
        for twins in zip(blocks[::2], blocks[1::2]):
            assert [block["intent"].split("/")[0] for block in twins].count("crisis") < 2, path


def test_spanish_stands_beside_the_english_for_every_topic():
    """Except the labels that are about a language themselves."""
    own = {label_of(path, NLU) for path in files("data", "nlu") if not {SPANISH, PAIRS} & set(path.parents)}
    beside = {label_of(path, SPANISH) for path in files("data", "nlu", "es")}
    assert own - beside == {"spanish", "other_language"} and beside <= own, sorted(own ^ beside)
    for path in files("data", "nlu", "es"):
        for block in read_yaml(path)["nlu"]:
            assert block["metadata"] == {"language": "es"}, path


def test_what_is_said_after_a_reply_has_known_labels_and_a_known_reply():
    for path in files("data", "followups"):
        written = read_yaml(path)
        assert set(written) == {"after", "said"}, path
        after = written["after"]
        assert after == "any" or f"utter_{after}" in REPLIES, f"{path}: nothing is said after {after}"
        assert path.name.split(".")[0] == after.split("/")[-1], path
        for label in written["said"]:
            assert label in TRAINED or label in SET_BY_PIPELINE or f"utter_{label}" in REPLIES, f"{path}: no label {label}"
        lines = [same(str(text)) or text for texts in written["said"].values() for text in texts]
        assert sorted(lines) == sorted(set(lines)), f"{path}: {[line for line in set(lines) if lines.count(line) > 1]}"


def test_im_ok_is_learned_after_a_gentle_question_alone():
    for path in files("data", "followups"):
        written = read_yaml(path)
        assert "check_in_ok" not in written["said"] or is_check_in(Topic.of(written["after"]).reply), path


def test_a_talk_can_go_on_after_every_answer():
    after = {read_yaml(path)["after"] for path in files("data", "followups")}
    for name in REPLIES:
        topic = Topic.of(name)
        if topic.kind and topic.kind != "chitchat":
            assert topic.label in after, f"data/followups/{topic.label}.yml is missing"


def in_language(name, language):
    return [said for said in REPLIES[name] if said["metadata"].get("language", "en") == language]


# The settings that say the same in Spanish, and what Spanish leaves out: the crisis line's chat is English, texts and TTY too.
BOTH = {"clinic_contact_short": "clinic_contact", "clinic_contact_es": "clinic_contact"}
ENGLISH_ALONE = {"crisis_chat", "domestic_violence_text", "domestic_violence_tty", "clinic_name", "clinic_contact"}


@pytest.mark.parametrize("name", sorted(REPLIES))
def test_a_reply_says_the_same_in_both_languages(name):
    english, spanish = in_language(name, "en"), in_language(name, "es")
    if "/" in name or not name.startswith("utter_referral_"):  # those are drawn from, not paired
        assert len(english) == len(spanish), f"{name}: {len(english)} wordings in English, {len(spanish)} in Spanish"
    assert english and spanish
    for first, second in zip(english, spanish):
        for key in ("sources", "refer", "next", "hours"):
            assert first["metadata"].get(key) == second["metadata"].get(key), f"{name}: {key}"
        assert first.get("condition") == second.get("condition"), f"{name}: said in other situations"
        assert ("title" in first["metadata"]) == ("title" in second["metadata"]), f"{name}: a title in one language"
        payloads = [[button["payload"] for button in said.get("buttons", [])] for said in (first, second)]
        assert payloads[0] == payloads[1], f"{name}: other buttons"
        missing = braces(first) ^ braces(second)
        assert missing <= ENGLISH_ALONE, f"{name}: {sorted(missing)} stand in one language"


def braces(said):
    return {BOTH.get(brace, brace) for brace in re.findall(r"{(\w+)}", said["text"])}


ENGLISH_WORDS = {"clinic_contact", "clinic_contact_short", "clinic_name"}


def test_spanish_replies_hold_no_english_words_from_the_settings():
    for name in REPLIES:
        for said in in_language(name, "es"):
            found = set(re.findall(r"{(\w+)}", said["text"])) & ENGLISH_WORDS
            assert not found, f"{name}: {sorted(found)}"


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
    # FallbackPolicy answers these.
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


# Measured sentences of more than one label.
OF_MANY_LABELS = ("crisis_outside", "lookalikes", "spanish_crisis", "spanish_topics", "two_questions")


@pytest.mark.parametrize("folder", ["heldout", "development"])
def test_measured_sentences_are_never_trained(folder):
    learned = {same(s) for sentences in TRAINED.values() for s in sentences}
    for label, sentences in MEASURED[folder].items():
        assert label in TRAINED or label in OF_MANY_LABELS, f"tests/{folder}/{label}.yml: no such label"
        for sentence in sentences:
            # one or two words are nobody's own ("hello")
            assert same(sentence) not in learned or len(sentence.split()) < 3, (
                f"tests/{folder}/{label}.yml: '{sentence}' is trained"
            )


def test_measured_sentences_are_no_follow_ups_either():
    """Nor are turns of the held-out conversations, where they have five words or more: fewer are nobody's own."""
    learned = {same(each.text): each for each in followups()}
    measured = {same(s) for folder in MEASURED.values() for sentences in folder.values() for s in sentences if len(s.split()) > 2}
    turns = {same(words) for talk in conversations() for words in talk.says if len(words.split()) > 4}
    assert not [learned[text] for text in measured & learned.keys()]
    trained = learned.keys() | {same(s) for sentences in TRAINED.values() for s in sentences}
    assert not turns & trained


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
