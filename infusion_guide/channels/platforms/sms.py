"""Text messages (twilio.com/docs/messaging): a whole answer in one message, choices as numbers, plain punctuation."""

import base64
import hashlib
import hmac
import re
from typing import Any, List
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from multidict import MultiDict
from sanic import response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.message import Refused, id_of
from infusion_guide.channels.platform import STOP, Call, Platform, Question, Received, Report, bare, same
from infusion_guide.channels.platform_api import PlatformRefused, post
from infusion_guide.channels.rendering import Bubble, Limits, cut
from infusion_guide.channels.sms_segments import fitting, longest, plain
from infusion_guide.clinic import settings as table
from infusion_guide.clinic.settings import Settings, settings
from infusion_guide.delivery.outbox import NotDelivered

_NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'  # TwiML: send nothing, our answer comes by itself
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")  # not a short code, which is a machine, nor another platform's "whatsapp:+1..."
_FIELDS = 200  # of a call; Twilio sends about 25
# Twilio's codes for what passes, or what the clinic mends: a full queue; a number or messaging service that is not set up.
_LATER = frozenset({21606, 21611, 21659, 21703, 21704, 21705})


class Sms(Platform):
    """One answer is one message where ten segments hold it.

    `carrier_words` are what Twilio itself answers by default, on numbers of ten digits. YES is not among them, although it
    ends an opt-out: who never opted out means it as an answer to us, and must not meet silence.
    """

    name, title = "sms", "Text messages"
    needs = table.SMS
    limits = Limits(text=longest(""))
    one_message = True
    carrier_words = (
        *("help", "info"),
        *("stop", "stopall", "unsubscribe", "end", "quit", "cancel", "optout", "revoke"),
        *("start", "unstop"),
    )

    def question(self, chosen: Settings) -> Question:
        """See parent."""
        url = f"{chosen.twilio_api}/2010-04-01/Accounts/{chosen.twilio_account}.json"
        headers = {"Authorization": aiohttp.BasicAuth(chosen.twilio_account, chosen.twilio_token).encode()}
        return Question("TWILIO_ACCOUNT or TWILIO_TOKEN", url, lambda found: found.get("status") == "active", headers)

    def verify(self, request: Request) -> None:
        """Twilio signs the address it called (PUBLIC_URL, whatever stands before us) and all parameters, blank ones too."""
        query = f"?{request.query_string}" if request.query_string else ""
        url, token = f"{settings().public_url}{request.path}{query}", settings().twilio_token
        given_signature = request.headers.get("x-twilio-signature")
        try:
            given = _parameters(request)
        except ValueError:
            raise Refused(403, "This call is not Twilio's.") from None
        genuine = any(same(given_signature, signature(token, each, given)) for each in _with_and_without_port(url))
        if not genuine or not same(given.get("AccountSid"), settings().twilio_account):
            raise Refused(403, "This call is not Twilio's.")

    def read(self, request: Request) -> List[Received]:
        """A message with its words, "" for a picture; reports on our own messages are none.

        With Advanced Opt-Out, OptOutType says which of the carrier's words was meant, in whatever language.
        """
        given = _parameters(request)
        person = given["From"]
        if "MessageStatus" in given or not _PHONE.fullmatch(person):
            return []
        text = given.get("OptOutType", "").lower() or given.get("Body", "")
        return [Received(person, person, id_of(given["MessageSid"], "MessageSid"), text)]

    def reports(self, request: Request) -> List[Report]:
        """MessageStatus "failed" or "undelivered", where a status callback is set (docs/messaging/sms.md)."""
        given = _parameters(request)
        if given.get("MessageStatus") not in ("failed", "undelivered"):
            return []
        code = int(given.get("ErrorCode") or 0)
        return [Report(id_of(given["To"], "To"), id_of(given["MessageSid"], "MessageSid"), f"error {code}")]

    def acknowledgement(self, request: Request) -> HTTPResponse:
        """See parent."""
        return response.text(_NOTHING, content_type="text/xml")

    def calls(self, address: Any, bubble: Bubble) -> List[Call]:
        """See parent."""
        text = fitting(plain(bubble.text))
        return [{"To": address, "Body": part} for part in cut(text.strip(), longest(text))]

    async def send(self, call: Call) -> None:
        """See parent."""
        account, sender = settings().twilio_account, settings().twilio_sender
        form = {**call, "MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        url = f"{settings().twilio_api}/2010-04-01/Accounts/{account}/Messages.json"
        try:
            await post("Twilio", url, form=form, auth=aiohttp.BasicAuth(account, settings().twilio_token))
        except PlatformRefused as refused:
            code = refused.answer.get("code")
            if not isinstance(code, int):
                raise
            # Opted out (21610), no such number (21211), no mobile phone (21614): final, like every other 400.
            final = refused.final and code not in _LATER
            raise NotDelivered(f"Twilio answered {refused.status}, error {code}.", refused.retry_after, final) from None

    def command(self, text: str, is_out: bool) -> str:
        """The carrier answers its words only when they stand alone: "help!" is ours to answer. Stopping needs no such care."""
        alone = text.strip().casefold()
        return bare(text) if bare(text) in STOP else "start" if alone == "yes" and is_out else alone


PLATFORM = Sms()


def signature(token: str, url: str, given: "MultiDict[str]") -> str:
    """What Twilio signs a call to `url` with (twilio.com/docs/usage/security): every value of every parameter once, sorted."""
    words = url + "".join(name + value for name in sorted(set(given)) for value in sorted(set(given.getall(name))))
    digest = hmac.new(token.encode(), words.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _with_and_without_port(url: str) -> List[str]:
    """Twilio signs sometimes the one, sometimes the other."""
    parts = urlsplit(url)
    host, port = parts.netloc.partition(":")[0], parts.port or (443 if parts.scheme == "https" else 80)
    return [parts._replace(netloc=netloc).geturl() for netloc in (host, f"{host}:{port}")]


def _parameters(request: Request) -> "MultiDict[str]":
    """What a call says, blank values included (Sanic's `form` leaves them out). Raises ValueError."""
    return MultiDict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
