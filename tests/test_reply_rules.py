"""What a clinic's own answer may not say, and that honest, useful answers may be said."""

import dataclasses
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infusion_guide.clinic.settings import Settings
from infusion_guide.replies import rules as reply_rules

CLINIC = Settings(clinic_phone="555-010-4567")

# Each text breaks this one rule and no other.
BAD = [
    ("dose", "We begin with 40 mg and go up from there."),
    ("dose", "Most people get 0.5 mg/kg over one hour."),
    ("dose", "The pharmacy sends you two tablets for the night."),
    ("dose", "Half a tablet is plenty on the first day."),
    ("dose", "We give five milligrams in a drip."),
    ("eligibility", "You qualify if you are an adult."),
    ("eligibility", "Good news: you are a good candidate."),
    ("eligibility", "You are not eligible with high blood pressure."),
    ("eligibility", "It is right for you when other help has failed."),
    ("eligibility", "With a pacemaker you can't have ketamine here."),
    ("eligibility", "You can get your first infusions this week."),
    ("medicines", "Stop your blood pressure pills the day before."),
    ("medicines", "Please skip your antidepressant on that morning."),
    ("medicines", "Come on time, and take your insulin first."),
    ("medicines", "You should take your usual medicines with water."),
    ("medicines", "You'll be asked about food, and you can still take Xanax."),
    ("medicines", "Patients must hold lithium for one night."),
    ("medicines", "It is fine to take ibuprofen after your visit."),
    ("medicines", "It is fine to mix ketamine with Zoloft, so they say."),
    ("medicines", "Don't take your morning meds."),
    ("medicines", "Never take benzos on the day."),
    ("medicines", "Lithium can be combined with an infusion."),
    ("medicines", "Please stop taking it for a day."),
    ("medicines", "You can mix it with a glass of wine."),
    ("medicines", "Lower your dose a week before you come."),
    ("promise", "Our infusions cured hundreds of people."),
    ("promise", "We guarantee that you feel it."),
    ("promise", "Don't worry, we do this each day."),
    ("promise", "It will help you sleep again."),
    ("promise", "The treatment is completely safe."),
    ("promise", "It has no side effects."),
    ("promise", "You will feel better after a week."),
    ("diagnosis", "You probably have depression, and it may be mild."),
    ("diagnosis", "You have bipolar disorder, from what you write."),
    ("diagnosis", "That sounds like an anxiety disorder."),
    ("diagnosis", "You are depressed, and that is no shame."),
    ("person first", "We see many addicts at our clinic."),
    ("person first", "Alcoholics come here, too."),
    ("person first", "His brother committed suicide, and he was sad for a long time."),
    ("phone number", "Call our friend at 555-867-5309 to book."),
    ("phone number", "Call 1-800-KETAMINE to book."),
    ("phone number", "Text 741741 at any time."),
    ("phone number", "You reach the nurse at +1 (212) 555 0199."),
    ("braces", "Call {clinic_phone} to book a visit."),
    ("length", " ".join(["We are here for you."] * 10)),
    ("grade", "Reimbursement necessitates preliminary authorization from participating organizations."),
]  # fmt: skip

GOOD = [
    "One visit costs 400 dollars. That covers the drip and the nurse's time. We can send you a written estimate.",
    "Prices run from $1,200 to $1,500 for six visits. Ask the front desk about payment plans.",
    "We see adults from 18 to 75. For a teen, call us at 555-010-4567 and ask for the nurse.",
    "Do not eat for four hours before your visit. Ask the nurse which medicines you should take that morning.",
    "Please don't stop a medicine without asking the person who prescribed it.",
    "Never change your medicines on your own. Your prescriber and our nurse decide together.",
    "Bring a list of your medicines and a friend who can drive you home.",
    "Take a list of your medicines with you.",
    "Ask your doctor if ketamine is right for you. Our clinician will go over your health with you.",
    "We will tell you after a first talk if you qualify.",
    "We cannot promise that it helps. It may ease symptoms in some people.",
    "Tell the nurse if you have bipolar disorder or take medicines for sleep.",
    "Do you have depression? Ask the front desk for a first talk.",
    "A visit takes about two hours. You rest with us for one hour after it.",
    "Most people come twice a week for three weeks.",
    "We are open from 9 to 5, Monday to Friday, at 12 Main Street.",
    "Some people go to Alcoholics Anonymous as well. Ask us for a list of groups.",
    "If you feel unsafe, call 911, or call or text 988 at any time.",
    "SAMHSA's free helpline is 1-800-662-4357, day and night.",
    "For a child who is hurt, Childhelp is 1-800-422-4453, day and night.",
    "The front desk will help you with the forms. You can pick them up from 2026-12-01 on.",
    "You can start with a talk on the phone. It is free, and it takes 15 minutes.",
    "Ask a pharmacist if you can mix ketamine with what you take.",
]


@pytest.fixture(autouse=True)
def clinic(monkeypatch):
    monkeypatch.setattr(reply_rules, "settings", lambda: CLINIC)


@pytest.mark.parametrize("rule, text", BAD)
def test_a_text_that_breaks_a_rule_is_told_which(rule, text):
    found = reply_rules.broken(text)
    assert [broken.rule for broken in found] == [rule]
    assert all(broken.words in text or broken.words == "{ }" for broken in found)
    assert all(broken.advice.endswith(".") and "lease" in broken.advice for broken in found)


@pytest.mark.parametrize("text", GOOD)
def test_honest_answers_may_be_said(text):
    assert reply_rules.broken(text) == []


def test_several_broken_rules_are_all_told():
    text = "You qualify. Take 40 mg and stop your meds, it will cure you {clinic_name}."
    assert {broken.rule for broken in reply_rules.broken(text)} == {"eligibility", "dose", "medicines", "promise", "braces"}


def test_without_a_phone_number_only_help_lines_may_be_named(monkeypatch):
    monkeypatch.setattr(reply_rules, "settings", lambda: dataclasses.replace(CLINIC, clinic_phone=""))
    (broken,) = reply_rules.broken("Call us at 555-010-4567 to book.")
    assert broken.rule == "phone number" and "988" in broken.advice
    assert not reply_rules.broken("Call Poison Help at (800) 222-1222 day and night.")


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_tidy_texts_are_one_plain_line(text):
    tidy = reply_rules.tidy(text)
    assert tidy == reply_rules.tidy(tidy) == " ".join(tidy.split())
    assert not re.search("[\x00-\x1f\u2018\u2019\u201c\u201d\u2013\u2014\u2026]", tidy)
    reply_rules.broken(tidy)


def test_a_hostile_text_costs_no_time():
    for piece in ("ask if ", "you can take ", "don't ", "1-", "stop a a a a ", "you may have a a "):
        text = (piece * 300)[:1000]
        reply_rules.broken(text)
