"""Tells staff of a call-back request, a crisis reply or an answer that nobody got: by signed webhook, by e-mail, or by both.

A notice says what it is about and where to look. It holds no name, no number and nothing that a patient wrote.
Notices are entries of the outbox (infusion_guide/delivery/outbox.py): repeated until they are delivered.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import re
import ssl
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from typing import Any, AsyncIterator, Dict, Optional
from urllib.parse import quote

import aiohttp
import aiosmtplib

from infusion_guide.clinic.clock import clinic_time
from infusion_guide.clinic.identity import secret
from infusion_guide.clinic.settings import Settings, settings
from infusion_guide.delivery import outbox
from infusion_guide.delivery.outbox import Entry, NotDelivered

logger = logging.getLogger(__name__)

# What staff read: subject and first words by kind, then the rest, which is the same for all.
SUBJECTS = {
    "request": "New call-back request {reference}",
    "crisis": "Crisis conversation, {when}",
    "unstored": "Crisis message without a conversation, {when}",
    "undelivered": "Answer not delivered, {when}",
}
WORDS = {
    "request": "Somebody asked for a call. The reference is {reference}. Before you dial, read there when it is safe to call, "
    "and whether to leave a message.",
    "crisis": "The assistant gave somebody its crisis reply, with the emergency number and the crisis line. It has called "
    "nobody. Please follow the clinic's crisis protocol and look at the conversation now.",
    "unstored": "The assistant gave somebody its crisis reply for a message that it could not answer in their conversation: too "
    "many messages, one that came late or was refused, or something was broken. The message is not kept, so you will not find it "
    "there. It has called nobody. Please follow the clinic's crisis protocol.",
    "undelivered": "An answer of the assistant did not reach somebody, and it is not tried again. It may have been a crisis "
    "reply: if a crisis notice came at about this time, follow the clinic's crisis protocol.",
}
MAIL = """{words}

When: {when}
Where to look (sign in first): {link}

The assistant of {clinic} sent this message by itself. It holds nothing that the person wrote.
Nobody reads answers to it, and they do not reach the person who wrote.
"""

_WEBHOOK_SECONDS = 8.0
_GOODBYE = 2.0  # seconds: the message is delivered by then


def attach() -> None:
    """Has the outbox deliver notices."""
    outbox.HANDLERS.update({outbox.WEBHOOK: post, outbox.MAIL: send})


def link(payload: Dict[str, Any]) -> str:
    """The staff page of what a notice is about."""
    base = settings().staff_url or f"http://127.0.0.1:{settings().staff_port}"
    if payload["kind"] == "request":
        return f"{base}/staff/requests/{_reference(payload)}"
    if payload["kind"] == "crisis" and payload["conversation"]:
        return f"{base}/staff/conversations/one?id={quote(payload['conversation'], safe='')}"
    return f"{base}/staff"  # staff see no conversation for the reason alone that an answer was not delivered, or know none


async def post(entry: Entry) -> None:
    """POSTs the payload and its link to NOTICE_WEBHOOK, signed: X-Signature is the hex HMAC-SHA-256 of the body under SECRET_KEY.

    X-Idempotency-Key lets the receiver ignore a repetition: delivery is at least once. Raises NotDelivered.
    """
    body = json.dumps({"key": entry["key"], **entry.payload, "link": link(entry.payload)}).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Idempotency-Key": entry["key"],
        "X-Signature": hmac.new(secret(), body, hashlib.sha256).hexdigest(),
    }
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_WEBHOOK_SECONDS)) as session:
            async with session.post(settings().notice_webhook, data=body, headers=headers, allow_redirects=False) as answered:
                if answered.status >= 300:
                    raise NotDelivered(f"NOTICE_WEBHOOK answered {answered.status}.")
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise NotDelivered(f"NOTICE_WEBHOOK cannot be reached ({type(error).__name__}).") from None


async def send(entry: Entry) -> None:
    """E-mails the notice to NOTICE_EMAIL. Raises NotDelivered: the mail server took it for none of the addresses."""
    chosen = settings()
    recipients = chosen.notice_email.split()
    try:
        async with _mail_server(chosen, outbox.MAIL_SECONDS) as server:
            refused, _ = await server.sendmail(_sender(chosen), recipients, message(entry).as_bytes())
    except (aiosmtplib.SMTPException, OSError) as error:
        raise NotDelivered(in_words(error)) from None
    if refused:  # once more would reach the others twice
        logger.warning("SMTP_HOST refuses %d of the %d addresses of NOTICE_EMAIL.", len(refused), len(recipients))


def message(entry: Entry) -> EmailMessage:
    """The e-mail of a notice. Its Message-ID follows from the entry's key: mail programs can tell a repetition."""
    chosen, payload = settings(), entry.payload
    sender = _sender(chosen)
    at = clinic_time(entry["at"])
    when = f"{at:%A, %B} {at.day}, {at.hour % 12 or 12}:{at:%M %p}"
    words = {"reference": _reference(payload), "when": when, "link": link(payload), "clinic": chosen.clinic_name}
    about = payload["kind"] if payload.get("stored", True) else "unstored"
    mail = EmailMessage(policy=SMTP.clone(cte_type="7bit"))  # every mail server takes that
    mail["Subject"] = SUBJECTS[about].format(**words)
    mail["From"] = sender
    mail["To"] = ", ".join(chosen.notice_email.split())
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = f"<{hashlib.sha256(entry['key'].encode()).hexdigest()[:40]}@{_domain(sender)}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies, please; the next one says it to Exchange
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(MAIL.format(words=WORDS[about].format(**words), **words))
    return mail


async def mail_problem(chosen: Settings, seconds: float) -> Optional[str]:
    """What keeps us from sending e-mail, in words; None when the mail server lets us in. Sends nothing."""
    try:
        async with _mail_server(chosen, seconds):
            return None
    except (aiosmtplib.SMTPException, OSError) as error:
        return in_words(error)


@asynccontextmanager
async def _mail_server(chosen: Settings, seconds: float) -> AsyncIterator[aiosmtplib.SMTP]:
    """A connection that is encrypted and signed in as the settings say; `seconds` for each step."""
    server = aiosmtplib.SMTP(
        hostname=chosen.smtp_host,
        port=chosen.smtp_port,
        username=chosen.smtp_user or None,
        password=chosen.smtp_password or None,
        local_hostname=_domain(_sender(chosen)),  # the machine's own name would be looked up, and tells of the network
        timeout=seconds,
        use_tls=chosen.smtp_security == "tls",
        start_tls=chosen.smtp_security == "starttls",
        tls_context=trusted(),
    )
    try:
        await server.connect()
        yield server
        with suppress(aiosmtplib.SMTPException, OSError):  # nothing is lost any more
            await server.quit(timeout=min(seconds, _GOODBYE))
    finally:
        server.close()


def trusted() -> ssl.SSLContext:
    """The certificates that this machine trusts; SSL_CERT_FILE in the environment names others (Python's ssl module)."""
    return ssl.create_default_context()


def in_words(error: BaseException) -> str:
    """What a mail server did, without what it said: that often holds an address."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = ", ".join(sorted({str(refused.code) for refused in error.recipients}))
        return f"SMTP_HOST refuses every address of NOTICE_EMAIL ({codes})."
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"SMTP_HOST does not take SMTP_USER and SMTP_PASSWORD ({error.code})."
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return f"SMTP_HOST does not take NOTICE_FROM as sender ({error.code})."
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"SMTP_HOST answered {error.code}."
    if isinstance(error, asyncio.TimeoutError):
        return "SMTP_HOST did not answer in time."
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return "SMTP_HOST has no certificate that is trusted for this name, or SMTP_SECURITY does not fit SMTP_PORT."
    if isinstance(error, OSError):
        return f"SMTP_HOST cannot be reached ({type(error.__cause__ or error).__name__})."
    return "SMTP_HOST does not offer what SMTP_SECURITY or SMTP_USER ask for."


def _sender(chosen: Settings) -> str:
    return chosen.notice_from or chosen.notice_email.split()[0]


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _reference(payload: Dict[str, Any]) -> str:
    """The request's number, in which nothing else can hide."""
    return re.sub(r"[^A-Z0-9-]", "", payload.get("reference", ""))
