"""The first day as a checklist: what is to be done before the first patient, and what of it is done."""

from dataclasses import dataclass
from typing import List

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infusion_guide.clinic.clock import clinic_today
from infusion_guide.clinic.settings import Settings, settings
from infusion_guide.replies import review
from infusion_guide.replies.book import topic_title
from infusion_guide.replies.clinic_answers import said_answers
from infusion_guide.staff.access import CLINICAL, page
from infusion_guide.staff.rendering import render
from infusion_guide.staff.starters import STARTERS
from infusion_guide.storage import clinic_answers, reviews
from infusion_guide.storage.tables import facts, staff

HERE = "/staff/first-day"


@dataclass(frozen=True)
class Step:
    """One line: what is to be done, whether it is, how it stands, whose it is, and where it is done ("" for elsewhere)."""

    title: str
    done: bool
    stands: str
    whose: str
    url: str = ""


@page()
async def show(request: Request) -> Response:
    """The checklist, and the ten questions with their forms."""
    return render(request, "first_day.html", **await known(request))


async def known(request: Request) -> dict:
    """What `first_day.html` and its part on empty pages show."""
    may_open = request.state.member.role in CLINICAL
    found, answered = await request.state.database.run(lambda connection: _steps(connection, settings(), may_open))
    questions = [
        (starter.question, topic_title(label), label in answered, f"/staff/answers/{label}/own")
        for label, starter in STARTERS.items()
    ]
    done = sum(step.done for step in found)
    return {"steps": found, "steps_done": done, "questions": questions, "may_write": request.state.member.role == "clinician"}


def _steps(connection: Connection, chosen: Settings, may_open: bool) -> tuple:
    own = said_answers(clinic_answers.newest(connection))
    answered = {label for label in STARTERS if label in own}
    replies = review.entries(own, reviews.newest(connection))
    unsigned = sum(reply.needs_signature(clinic_today()) for reply in replies)
    signed = len(replies) - unsigned
    roles = set(connection.execute(sa.select(staff.c.role).where(staff.c.active)).scalars())
    talked = connection.execute(sa.select(facts.c.id).where(facts.c.what == "conversation").limit(1)).first()
    asked = connection.execute(sa.select(facts.c.id).where(facts.c.what == "request").limit(1)).first()
    engineer, in_chat = "Engineer, in the settings", "Everybody, in the chat"
    missing = [words for role, words in (("front_desk", "front desk"), ("clinician", "clinician")) if role not in roles]

    def link(url: str) -> str:
        return url if may_open else ""

    steps = [
        Step("Name and phone number", bool(chosen.clinic_phone), chosen.clinic_phone or "No phone number yet", engineer),
        Step("Opening hours", bool(chosen.clinic_hours), chosen.clinic_hours or "None yet: patients are told no times", engineer),
        Step(
            "Notices of requests and crises",
            bool(chosen.notice_email or chosen.notice_webhook),
            "They go out" if chosen.notice_email or chosen.notice_webhook else "Nobody gets one yet",
            engineer,
        ),
        Step(
            "An account for everybody",
            not missing,
            f"Nobody is {' or '.join(missing)} yet" if missing else "Front desk and clinician have one",
            "Admin, on People",
        ),
        Step(
            "How to book",
            "uncovered/booking_logistics" in answered,
            "Answered" if "uncovered/booking_logistics" in answered else "Patients are told to call",
            "Clinician",
            link("/staff/answers/uncovered/booking_logistics"),
        ),
        Step(
            "The ten questions everybody asks",
            len(answered) == len(STARTERS),
            f"{len(answered)} of {len(STARTERS)} have an answer of your own",
            "Clinician",
            f"{HERE}#questions",
        ),
        Step("Signatures", not unsigned, f"{signed} of {len(replies)} replies are signed", "Clinician", link("/staff/sign")),
        Step("A test talk", talked is not None, "Done" if talked else "Nobody has talked to it yet", in_chat),
        Step("A test request", asked is not None, "Done" if asked else "Nobody has asked for a call yet", in_chat),
    ]
    return steps, answered


ROUTES: List[Route] = [Route(HERE, show)]
