"""A messaging platform that joins the others: this file in channels/platforms/ is all that it takes, beside its settings.

tests/test_platforms.py puts it there and asks of it what it asks of every platform.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass

from infusion_guide.channels.message import Refused, id_of
from infusion_guide.channels.platform import Platform, Question, Received, bearer, same
from infusion_guide.channels.platform_api import post
from infusion_guide.channels.rendering import Limits
from infusion_guide.clinic.checks import setting
from infusion_guide.clinic.settings import settings


@dataclass(frozen=True)
class Loft:
    """Carrier pigeons: the settings, a group of the table like every platform's (clinic/settings.py)."""

    pigeon_loft: str = setting("", "Where the birds live.")
    pigeon_secret: str = setting("", "What their breeder seals notes with.")


class Pigeons(Platform):
    """Notes of 300 characters on the leg of a bird, with two ribbons to pull."""

    name, title = "pigeons", "Carrier pigeons"
    needs = Loft
    limits = Limits(text=300, buttons=2, title=12)

    def question(self, chosen):
        """See parent."""
        return Question(
            "PIGEON_LOFT", f"{chosen.pigeon_api}/loft", lambda found: found.get("birds", 0) > 0, bearer(chosen.pigeon_loft)
        )

    def verify(self, request):
        """The breeder seals each note."""
        seal = hmac.new(settings().pigeon_secret.encode(), request.body, hashlib.sha256).hexdigest()
        if not same(request.headers.get("x-pigeon-signature"), seal):
            raise Refused(403, "This bird is not ours.")

    def read(self, request):
        """One note of one bird."""
        note = request.json
        ring = id_of(note["ring"], "ring")
        return [Received({"ring": ring}, ring, id_of(note["flight"], "flight"), note.get("pulled") or note.get("words") or "")]

    def calls(self, address, bubble):
        """See parent."""
        ribbons = [{"says": button.title, "means": button.payload} for button in bubble.buttons]
        return [{"body": {**address, "words": bubble.text, "ribbons": ribbons}}]

    async def send(self, call):
        """See parent."""
        await post("Pigeons", f"{settings().pigeon_api}/fly", call["body"], headers=bearer(settings().pigeon_loft))


PLATFORM = Pigeons()


class Caller:
    """As those of tests/callers.py, which a new platform joins, too."""

    name, sends = "pigeons", "/fly"
    address, good = {"ring": "7"}, {"birds": 3}
    settings = {"pigeon_loft": "north", "pigeon_secret": "grain"}

    def call(self, number, words, payload=None, picture=False):
        data = json.dumps({"ring": "7", "flight": f"f{number}", "words": words, "pulled": payload}).encode()
        return data, self.signed(data)

    def signed(self, data):
        seal = hmac.new(self.settings["pigeon_secret"].encode(), data, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Pigeon-Signature": seal}

    def text(self, body):
        return body["words"]

    def titles(self, body):
        return [ribbon["says"] for ribbon in body["ribbons"]]
