"""The list that a clinician signs before a release, to print: `make sign-off` writes results/sign-off.html.

Every reply as patients read it, what it rests on, the ledger, the wording of the safety guard, the settings in use. The digest
at its end names exactly these words: a signed printout belongs to the release whose list ends with the same one.
"""

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from infusion_guide.clinic.clock import clinic_time
from infusion_guide.clinic.data import DATA, read_yaml
from infusion_guide.clinic.settings import ROOT, SettingError, settings
from infusion_guide.replies.clinic_answers import ClinicAnswer, clinic_file, said_answers
from infusion_guide.replies.ledger import authorities, claims
from infusion_guide.replies.review import GROUPS, Entry, digest_of_all, entries
from infusion_guide.report.jinja import templates
from infusion_guide.storage import clinic_answers, reviews, signing
from infusion_guide.storage.database import DatabaseUnavailable, database
from infusion_guide.storage.signing import Release

LIST = ROOT / "results" / "sign-off.html"

_STAFF = Path(__file__).resolve().parent
_SETTINGS = {
    "clinic_name": "Name of the clinic",
    "clinic_phone": "Its phone number",
    "clinic_hours": "Its hours",
    "clinic_timezone": "Its time zone",
    "clinic_holidays": "Closed on",
    "emergency_number": "Emergency number",
    "crisis_line": "Crisis line",
    "poison_help": "Poison Help",
    "treatment_helpline": "Treatment helpline",
    "domestic_violence_hotline": "Domestic violence hotline",
    "crisis_chat": "Crisis line's chat",
    "domestic_violence_text": "Domestic violence hotline, by text",
    "domestic_violence_tty": "Domestic violence hotline, TTY",
    "child_abuse_hotline": "Child abuse hotline",
    "review_months": "Months until the next review",
}
_SURENESS = {
    "alarm": "At once the full crisis reply",
    "check_in": "A gentle question first",
    "reassured": "After that question: believed, unless the classifier is sure of danger",
    "harmless": "No danger: idiom, games, fiction",
}


def contents(replies: List[Entry], own: Mapping[str, ClinicAnswer], now: float) -> Dict[str, Any]:
    """What the list shows of `replies` and of the clinic's `own` answers in force, at `now` (Unix seconds)."""
    in_use = {title: getattr(settings(), name) or "not set" for name, title in _SETTINGS.items()}
    safety = _safety()
    ledger = [{entry.id: asdict(entry) for entry in each.values()} for each in (claims(), authorities())]
    return {
        "kinds": [
            (title, [(reply, reply.readings) for reply in replies if reply.topic.kind == kind]) for kind, title in GROUPS.items()
        ],
        "claims": list(claims().values()),
        "authorities": list(authorities().values()),
        "safety": safety,
        "settings": in_use,
        "own": [(reply, reply.own) for reply in replies if reply.own],
        "count": len(replies),
        "made": f"{clinic_time(now):%Y-%m-%d %H:%M %Z}",
        "digest": digest_of_all(replies, *ledger, safety, in_use, {topic: answer.text for topic, answer in own.items()}),
    }


def release_in_words(releases: List[Release], digest: str) -> str:
    """Whether what has the digest `digest` is the newest of `releases`, in one line."""
    if not releases:
        return "No release is signed yet."
    newest = releases[0]
    at = clinic_time(newest.at)
    named = f"release {newest.name}, signed by {newest.signed_by} on {at:%Y-%m-%d}, digest {newest.digest[:16]}"
    return f"This is {named}." if newest.digest == digest else f"Changed since {named}."


def _safety() -> List[Tuple[str, str, List[str]]]:
    """What the guard does, on which topic, at which wording (data/safety/)."""
    found = []
    for file, language in (("patterns.yml", ""), ("spanish.yml", ", in Spanish")):
        for sureness, wording in read_yaml(DATA / "safety" / file).items():
            by_topic = wording if isinstance(wording, dict) else {"any topic": wording}
            for topic, patterns in by_topic.items():
                found.append((_SURENESS[sureness], topic.replace("_", " ") + language, [str(each) for each in patterns]))
    return [entry for entry in found if entry[2]]


def as_file(values: Mapping[str, Any]) -> str:
    """The list as one HTML file that needs nothing else."""
    style = (_STAFF / "sign_off.css").read_text(encoding="utf-8")
    return templates(_STAFF / "templates").get_template("sign_off.html").render(style=style, **values)


def present() -> Tuple[List[Entry], Dict[str, ClinicAnswer], Optional[List[Release]]]:
    """All replies, the clinic's own answers in force, and the releases; without the database the files tell, and None."""
    try:
        written, signed, releases = database().run_now(
            lambda connection: (
                clinic_answers.newest(connection),
                reviews.newest(connection),
                signing.all_releases(connection),
            )
        )
    except DatabaseUnavailable:
        return entries(clinic_file(), {}), dict(clinic_file()), None
    own = said_answers(written)
    return entries(own, signed), own, releases


def main() -> int:
    """The command; 0 when the list was written."""
    try:
        replies, own, releases = present()
    except SettingError as error:
        print(error, file=sys.stderr)
        return 1
    if releases is None:
        print("The database did not answer (DATABASE_URL): answers that staff wrote on the pages are not in the list.")
    LIST.parent.mkdir(exist_ok=True)
    values = contents(replies, own, time.time())
    release = release_in_words(releases or [], values["digest"])
    LIST.write_text(as_file({**values, "release": release}), encoding="utf-8")
    print(f"{len(replies)} replies to sign: {LIST.relative_to(ROOT)}. Open it in a browser and print it. {release}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
