from actions.action_show_source import ActionShowSource
from infusion_guide.replies.ledger import claims
from tests.actions.trackers import bot, run


def test_claims_of_the_last_answer_are_shown():
    said, _ = run(ActionShowSource(), [bot("utter_faq/ptsd", ["ptsd-symptoms", "fda"]), bot("utter_chitchat/thanks")])
    assert said[0]["response"] == "utter_source" and said[0]["section"] == "Other Uses"
    shown = claims()["ptsd-symptoms"]
    assert shown.say == "qualified" and f"{shown.claim} {shown.qualification}" in said[0]["claims"]


def test_an_authority_is_named():
    said, _ = run(ActionShowSource(), [bot("utter_uncovered/safety", ["fda"])])
    assert said[0]["response"] == "utter_source_authority" and "FDA" in said[0]["authority"]


def test_the_clinics_own_answer_is_the_clinics():
    said, _ = run(ActionShowSource(), [bot("utter_uncovered/safety", ["clinic"])])
    assert said[0]["response"] == "utter_clinic_source"


def test_before_any_answer():
    assert run(ActionShowSource())[0] == [{"response": "utter_source_none"}]
