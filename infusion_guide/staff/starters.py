"""The ten questions that every clinic is asked and the document leaves out: blanks to fill in, from which an own answer is made.

What is made stands in the answer's field to be read, changed and saved by a clinician; the rules for replies judge it there.
"""

from dataclasses import dataclass
from typing import Dict, Mapping, Tuple


@dataclass(frozen=True)
class Blank:
    """One thing to fill in: its name, what staff are asked, an example, and the sentence it stands in."""

    name: str
    asked: str
    example: str
    sentence: str


@dataclass(frozen=True)
class Starter:
    """One question, in a patient's words, and the blanks of its answer in the order in which they are said."""

    question: str
    blanks: Tuple[Blank, ...]

    def text(self, filled: Mapping[str, str]) -> str:
        """The answer of what was filled in, by the blanks' names; a blank that was left out says nothing."""
        said = ((blank.sentence, " ".join(str(filled.get(blank.name, "")).split()).rstrip(".")) for blank in self.blanks)
        sentences = (sentence.format(words) for sentence, words in said if words)
        return " ".join(sentence[:1].upper() + sentence[1:] for sentence in sentences)


STARTERS: Dict[str, Starter] = {
    "uncovered/cost": Starter(
        "What does it cost?",
        (
            Blank("price", "One visit costs", "400 dollars", "One visit costs {}."),
            Blank("covers", "What that covers", "the drip, the room and the nurse's time", "That covers {}."),
            Blank("extra", "What is extra", "the first talk with the doctor", "{} is extra."),
            Blank("pay", "How people can pay", "by card, or bit by bit", "You can pay {}."),
        ),
    ),
    "uncovered/insurance": Starter(
        "Does insurance pay?",
        (
            Blank("plans", "Plans you work with", "most plans for the first talk", "We work with {}."),
            Blank("not", "What plans do not pay for, as a rule", "the drip itself", "Most plans don't pay for {}."),
            Blank("desk", "What the front desk does", "check your plan before the first visit", "Our front desk can {}."),
        ),
    ),
    "uncovered/preparation": Starter(
        "Food, drink and medicines before a visit?",
        (
            Blank("food", "The last meal", "six hours before your visit", "Your last meal is {}."),
            Blank("drink", "The last drink of water", "two hours before", "Your last sip of water is {}."),
            Blank("list", "What to bring", "a list of all your medicines", "Please bring {}."),
            Blank("who", "Who goes over the medicines", "the nurse", "{} goes over your medicines with you ahead of time."),
        ),
    ),
    "uncovered/driving": Starter(
        "Can I drive home?",
        (
            Blank("who", "Who drives home", "an adult you know", "Please have {} take you home."),
            Blank("until", "When people drive again", "the next day, after a night's sleep", "Plan to drive again {}."),
            Blank("else", "What to do when nobody can", "call us and we look for a way together", "If nobody can, {}."),
        ),
    ),
    "uncovered/session_length": Starter(
        "How long is a visit?",
        (
            Blank("whole", "A visit, in all", "about two hours", "A visit takes {} in all."),
            Blank("drip", "The drip itself", "40 minutes", "The drip itself runs {}."),
            Blank("rest", "The rest afterwards", "an hour", "Then you rest here for {}."),
        ),
    ),
    "uncovered/number_of_sessions": Starter(
        "How many visits?",
        (
            Blank("usual", "What is usual with you", "six visits in three weeks", "Most people here plan {} at first."),
            Blank("then", "What comes then", "talks with you about what comes next", "After that the doctor {}."),
        ),
    ),
    "uncovered/booking_logistics": Starter(
        "How do I book, and where are you?",
        (
            Blank("book", "How to book", "call us, or use the booking page of our website", "To book, {}."),
            Blank("where", "Where you are", "12 River Street, second floor", "We are at {}."),
            Blank("park", "Parking, bus or train", "You can park behind the building, free", "{}."),
            Blank("move", "To move a visit", "call one day before", "To move a visit, {}."),
        ),
    ),
    "uncovered/aftercare": Starter(
        "What about the hours after a visit?",
        (
            Blank("rest", "The rest of the day", "a quiet day at home", "Plan {}."),
            Blank("work", "Work and school", "go back to work the next day", "Most people {}."),
            Blank("call", "Whom to call with questions", "our nurse, until 5 PM", "With questions, call {}."),
        ),
    ),
    "uncovered/clinic_staff": Starter(
        "Who will be with me?",
        (
            Blank("first", "Whom people meet first", "the doctor, for half an hour", "First you meet {}."),
            Blank("with", "Who is there during the visit", "a nurse", "{} is with you during the visit."),
        ),
    ),
    "uncovered/records_referral": Starter(
        "Do I need a referral?",
        (
            Blank("referral", "Whether a referral is needed", "You need no referral", "{}."),
            Blank("records", "What records to send", "a list of your medicines and past treatments", "Please send us {}."),
        ),
    ),
}
