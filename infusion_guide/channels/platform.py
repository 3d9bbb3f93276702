"""What a messaging platform says of itself, all in one file of channels/platforms/; messaging.py does the rest."""

import hmac
from dataclasses import dataclass, field, fields
from typing import Any, Callable, Dict, List, Optional, Tuple, Type

from sanic import response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.rendering import Bubble, Limits
from infusion_guide.clinic.settings import Settings

# What ends and begins the talk on every platform, in English and in Spanish.
SPANISH_STOP, SPANISH_START = ("alto", "parar"), ("empezar", "comenzar")
STOP, START = ("stop", "unsubscribe", *SPANISH_STOP), ("start", "unstop", *SPANISH_START)

Call = Dict[str, Any]  # what is sent to the platform, as it understands it; JSON


@dataclass(frozen=True)
class Received:
    """One message of a person, from a verified call.

    `address`: where the answer goes, JSON that only the platform reads. `person`: who wrote, one text for each conversation.
    `message_id`: the platform's. `text`: the words or a button's payload, "" for a picture and whatever else has no words.
    `private` False: a group, where nothing about health is said. `aside`: nothing that is ours to answer (it came late, or is an
    edit, or in a group and not for us): it is read for danger, and left where there is none.
    """

    address: Any
    person: str
    message_id: str
    text: str
    private: bool = True
    aside: bool = False


@dataclass(frozen=True)
class Report:
    """An answer that the platform took and did not deliver: to whom, the platform's id of it, and its error in a few words."""

    person: str
    message_id: str
    reason: str


@dataclass(frozen=True)
class Question:
    """What `make doctor` asks: a GET that changes nothing and that only good settings are answered.

    `settings`: those to mend after a bad answer, in words. `is_good` looks at the JSON object of an answer.
    """

    settings: str
    url: str
    is_good: Callable[[Dict[str, Any]], bool]
    headers: Dict[str, str] = field(default_factory=dict)


class Platform:
    """A messaging platform in one file. Patients are told at first that it is not private: it belongs to another company.

    `name` is the file's, and stands in addresses (/webhooks/<name>/webhook), conversations and figures; `title` is for staff;
    it `needs` a group of settings, which switch it on when all are there; `limits` is what one message holds. `one_message`: an
    answer goes out as one, because each is paid for. `carrier_words`: what the carrier answers itself: nothing is said to them.
    """

    name: str
    title: str
    needs: Type[Any]
    limits: Limits
    one_message = False
    carrier_words: Tuple[str, ...] = ()

    def is_on(self, chosen: Settings) -> bool:
        """Whether the settings switch this platform on."""
        return all(getattr(chosen, setting.name) for setting in fields(self.needs))

    def question(self, chosen: Settings) -> Question:
        """What tells whether the platform takes our settings."""
        raise NotImplementedError

    def verify(self, request: Request) -> None:
        """Raises Refused (401 or 403) unless the platform made the call. Reads nothing of the body but its bytes."""
        raise NotImplementedError

    def read(self, request: Request) -> List[Received]:
        """The messages of a verified call, oldest first; none for what is no message of a person. May raise anything."""
        raise NotImplementedError

    def calls(self, address: Any, bubble: Bubble) -> List[Call]:
        """What has to be sent for `bubble` to be seen at `address`."""
        raise NotImplementedError

    async def send(self, call: Call) -> None:
        """Sends one call. Raises NotDelivered."""
        raise NotImplementedError

    def before(self, address: Any) -> List[Call]:
        """What has to be sent before an answer."""
        return []

    def reports(self, request: Request) -> List[Report]:
        """What a verified call says of answers that did not arrive. May raise anything."""
        return []

    def handshake(self, request: Request) -> Optional[HTTPResponse]:
        """The answer to the platform's GET that asks whether the webhook is ours; None: there is no such question."""
        return None

    def acknowledgement(self, request: Request) -> HTTPResponse:
        """What the platform wants to hear when a call was taken."""
        return response.json({"ok": True})

    def command(self, text: str, is_out: bool) -> str:
        """The word of STOP, START or `carrier_words` that `text` is; `is_out`: its writer has opted out."""
        return bare(text)


def bare(text: str) -> str:
    """`text` as one word would be compared: without what stands around it."""
    return text.strip().strip("./!").casefold()


def same(given: Any, expected: str) -> bool:
    """Compares a secret in constant time; an empty one is never the same."""
    return bool(expected) and hmac.compare_digest(str(given or "").encode("utf-8", "replace"), expected.encode())


def bearer(token: str) -> Dict[str, str]:
    """The header that carries `token`."""
    return {"Authorization": f"Bearer {token}"}
