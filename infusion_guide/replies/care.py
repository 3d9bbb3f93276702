"""What is owed after what was said before: a crisis, a miss, a call-back. Names of replies in, decisions out; no Rasa."""

from itertools import takewhile
from typing import List, Optional, Sequence

from infusion_guide.replies.topic import Topic

# The gentle question for what was feared, and the crisis that a yes to it means. What is not named is asked about like suicide.
CHECK_INS = {
    "suicide": "crisis/check_in",
    "self_harm": "crisis/check_in",
    "overdose": "crisis/check_in_pill",
    "withdrawal_emergency": "crisis/check_in_drink",
    "medical_emergency": "crisis/check_in_body",
    "someone_else": "crisis/check_in_other",
    "violence_abuse": "crisis/check_in_other",
}
YES_TO = {
    "crisis/check_in_pill": "crisis/overdose",
    "crisis/check_in_drink": "crisis/withdrawal_emergency",
    "crisis/check_in_body": "crisis/medical_emergency",
    "crisis/check_in_other": "crisis/someone_else",
}

# So many times one question of the call-back form may get nothing that it can use; then the phone is the better way.
MOST_FORM_MISSES = 5

# How many replies after a crisis end with the crisis line.
CAREFUL_REPLIES = 3

CRISIS = "utter_crisis"
FORM_QUESTION = "utter_ask_callback_"
LISTEN, LEAVE_FORM = "action_listen", "action_deactivate_loop"  # Rasa's own names

# Replies after which a call-back is offered: what the document leaves out, what a program must not answer, and a person.
OFFERS_CALLBACK = ("utter_uncovered/", "utter_advice/", "utter_misuse/", "utter_fallback_person", "utter_talk_to_person")

# Not after these: what cannot wait for a call, and what nobody should have to put beside a name. Whoever asks in words gets it.
NO_CALLBACK = {
    "utter_misuse/conceal_use",
    "utter_misuse/sell",
    "utter_misuse/manufacture",
    "utter_misuse/push_on_others",
    "utter_advice/side_effect_personal",
    "utter_advice/interaction",
    "utter_uncovered/danger_topics",
    "utter_uncovered/privacy",
}


def feared(before: Optional[str]) -> str:
    """The crisis that a yes to the gentle question `before` means, crisis/suicide where it asks after nothing else."""
    return YES_TO.get(before or "", "crisis/suicide")


def check_in_about(topic: str) -> str:
    """The gentle question about the crisis `topic` that is feared, for example crisis/check_in_pill; about despair in doubt."""
    return CHECK_INS.get(topic, "crisis/check_in")


def is_check_in(name: str) -> bool:
    """Whether the reply `name` is a gentle question."""
    return name.startswith("utter_crisis/check_in")


def is_care(name: str) -> bool:
    """Whether the reply `name` answers what people say after a crisis reply; it sounds no alarm of its own."""
    return name.startswith("utter_crisis/care_")


def is_alarm(name: str) -> bool:
    """Whether the reply `name` is a full crisis reply."""
    return Topic.of(name).kind == "crisis" and not is_check_in(name) and not is_care(name)


def next_in_crisis(done: Sequence[str], in_form: bool) -> str:
    """What to do next about a crisis, given the actions done since the message: leave any form, say the reply, listen."""
    if CRISIS in done:
        return LISTEN
    return LEAVE_FORM if in_form and LEAVE_FORM not in done else CRISIS


def names_crisis_line(name: str, careful: bool, earlier: Sequence[str]) -> bool:
    """Whether the reply `name` ends with the crisis line: one of the last replies (`earlier`, oldest first) was about a crisis.

    `careful` is the conversation's slot, which "I'm OK, I meant something else" clears.
    """
    recent = earlier[-CAREFUL_REPLIES:]
    return careful and Topic.of(name).kind != "crisis" and "crisis" in [Topic.of(reply).kind for reply in recent]


def offers_callback(name: str, in_form: bool, sent: bool, earlier: Sequence[str]) -> bool:
    """Whether a request makes sense after the reply `name`; while one is made, or after one (`sent`), it would be nagging."""
    if in_form or name in NO_CALLBACK:
        return False
    if name.startswith("utter_talk_to_person"):  # which speaks of it
        return True
    second_miss = Topic.of(name).is_fallback and bool(misses_running(earlier))
    return not sent and (name.startswith(OFFERS_CALLBACK) or second_miss)


def misses_running(replies: Sequence[str]) -> List[str]:
    """The fallback replies that ended the conversation so far without an answer between, oldest first."""
    return list(takewhile(lambda name: Topic.of(name).is_fallback, reversed(replies)))[::-1]


def form_misses(replies: Sequence[str]) -> int:
    """How many replies to the form's last question said that nothing was understood, given all replies so far."""
    missed, question = 0, ""
    for name in reversed(replies):
        if Topic.of(name).is_fallback or name == "utter_callback_contact_unusable":
            missed += 1
        elif not name.startswith(FORM_QUESTION) or question not in ("", name):
            break
        else:
            question = name
    return missed


def next_fallback(intent: str, has_choices: bool, replies: Sequence[str]) -> Optional[str]:
    """The reply for one more message that was not understood, given the replies said so far; None: `intent` is no such message.

    First miss: "did you mean" when there is something to offer, else what the assistant can do. Second: the other of
    the two. Then a person's phone number, and a last line that alternates with it.
    """
    running = misses_running(replies)
    last = running[-1] if running else None
    if intent == "empty_message":
        return "utter_fallback_empty_again" if last == "utter_fallback_empty" else "utter_fallback_empty"
    if intent == "too_long_message":
        return "utter_fallback_too_long_again" if last == "utter_fallback_too_long" else "utter_fallback_too_long"
    if intent == "out_of_scope" and running.count("utter_fallback_out_of_scope") < 2:
        return "utter_fallback_out_of_scope"
    if intent not in ("nlu_fallback", "out_of_scope"):
        return None
    if len(running) < 2:
        if has_choices and "utter_fallback_choices" not in running:
            return "utter_fallback_choices"
        if "utter_fallback_rephrase" not in running:
            return "utter_fallback_rephrase"
    return "utter_fallback_person_again" if last == "utter_fallback_person" else "utter_fallback_person"
