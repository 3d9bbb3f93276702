"""What the messaging platforms share: a genuine call in, one turn, its answer out, in order and never twice.

A call is verified before it is read. Each message becomes a turn of the door, and the turn stores its answer in the
outbox, in the platform's own form; so the platform may be slow, away or send the same call again, and several workers
may be at it: the answer goes out once, in order, when it can.
"""

import asyncio
import hmac
import logging
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.channel import Channel, ReplyTo, database_of
from infusion_guide.channels.door import MAX_MESSAGE_ID, MAX_TEXT, Answer, Incoming, Refused, text_of
from infusion_guide.channels.rate_limits import limits
from infusion_guide.channels.rendering import Bubble, Limits, bubbles, chosen
from infusion_guide.clinic import identity
from infusion_guide.delivery import outbox
from infusion_guide.delivery.outbox import Entry, NotDelivered
from infusion_guide.replies import first_aid
from infusion_guide.replies.library import line
from infusion_guide.storage import opt_out, transcript
from infusion_guide.storage.database import DatabaseUnavailable
from infusion_guide.storage.sealing import Unreadable
from infusion_guide.storage.turn import Effect

logger = logging.getLogger(__name__)

_MAYBE_A_CHOICE = re.compile(r"^.{1,40}$")
STOP, START = ("stop", "unsubscribe"), ("start", "unstop")  # what ends and begins the talk on every platform

Call = Dict[str, Any]  # what is sent to the platform, as its channel understands it; JSON


@dataclass(frozen=True)
class Inbound:
    """One message of a person, from a verified call.

    `address`: where the answer goes, JSON that only the channel reads. `person`: who wrote, one text for each conversation.
    `message_id`: the platform's. `text`: the words or a button's payload, "" for a picture and whatever else has no words.
    `private` False: a group, where nothing about health is said.
    """

    address: Any
    person: str
    message_id: str
    text: str
    private: bool = True


@dataclass(frozen=True)
class Report:
    """An answer that the platform took and did not deliver: to whom, the platform's id of it, and its error in a few words."""

    person: str
    message_id: str
    reason: str


class MessagingChannel(Channel):
    """A platform in one file: `configured`, `verify`, `inbound`, `calls` and `send` are all it says."""

    limits: Limits
    carrier_words: Tuple[str, ...] = ()  # one-word messages that the carrier answers itself: nothing is said to them

    def configured(self) -> bool:
        """Whether the settings switch this platform on."""
        raise NotImplementedError

    def verify(self, request: Request) -> None:
        """Raises Refused (401 or 403) unless the platform made the call. Reads nothing of the body but its bytes."""
        raise NotImplementedError

    def inbound(self, request: Request) -> List[Inbound]:
        """The messages of a verified call, oldest first; none for what is no message of a person. May raise anything."""
        raise NotImplementedError

    def calls(self, address: Any, bubble: Bubble) -> List[Call]:
        """What has to be sent for `bubble` to be seen at `address`."""
        raise NotImplementedError

    def before(self, address: Any) -> List[Call]:
        """What has to be sent before an answer."""
        return []

    async def send(self, call: Call) -> None:
        """Sends one call. Raises NotDelivered."""
        raise NotImplementedError

    def reports(self, request: Request) -> List[Report]:
        """What a verified call says of answers that did not arrive. May raise anything."""
        return []

    def handshake(self, request: Request) -> Optional[HTTPResponse]:
        """The answer to the platform's GET that asks whether the webhook is ours; None: there is no such question."""
        return None

    def acknowledgement(self, request: Request) -> HTTPResponse:
        """What the platform wants to hear when a call was taken."""
        return response.json({"ok": True})

    def routes(self, blueprint: Blueprint, reply_to: ReplyTo) -> None:
        """See parent."""
        outbox.HANDLERS[self.name()] = self._deliver
        self._tasks: Set["asyncio.Task[Any]"] = set()
        self._reply_to = reply_to

        @blueprint.get("/webhook")
        async def asked(request: Request) -> HTTPResponse:
            found = self.handshake(request) if self.configured() else None
            return found or response.json({"error": "Nothing here."}, status=404)

        @blueprint.post("/webhook")
        async def receive(request: Request) -> HTTPResponse:
            if not self.configured():
                return response.json({"error": "This platform is off."}, status=404)
            try:
                self.verify(request)
            except Refused as refused:
                return response.json({"error": str(refused)}, status=refused.status)
            await self._record(request)
            # Together: what a person wrote in one burst keeps its order, and nobody waits for another person.
            answered = await asyncio.gather(*(self._one_person(messages) for messages in self._by_person(request)))
            if not all(answered):
                return response.json({"error": "Please send this again."}, status=503, headers={"Retry-After": "5"})
            return self.acknowledgement(request)

    async def _record(self, request: Request) -> None:
        """Answers that did not arrive are for staff to see; whatever goes wrong here keeps no message from its answer."""
        try:
            for report in self.reports(request):
                conversation = identity.conversation_with(self.name(), report.person)
                said = (conversation, self.name(), _short(report.message_id), f"{self.name()} reports: {report.reason}")
                await database_of(self._app).run(lambda connection, said=said: outbox.record_failure(connection, *said))
        except Exception as error:
            logger.warning("A report of %s was not recorded: %s", self.name(), type(error).__name__)

    def attach(self, app: Sanic) -> None:
        """See parent."""
        self._app = app

    def _by_person(self, request: Request) -> List[List[Inbound]]:
        try:
            found = self.inbound(request)
        except Exception as error:  # genuine, but of a shape that we do not know: the platform need not send it again
            logger.warning("A call of %s was not understood: %s", self.name(), type(error).__name__)
            return []
        people: Dict[str, List[Inbound]] = {}
        for message in found:
            people.setdefault(message.person, []).append(message)
        return list(people.values())

    async def _one_person(self, messages: List[Inbound]) -> bool:
        """Whether all of them were answered, or need no answer."""
        return all([await self._one(message) for message in messages])

    async def _one(self, message: Inbound) -> bool:
        conversation = identity.conversation_with(self.name(), message.person)
        text = text_of(message.text[:MAX_TEXT])
        if not message.private:
            return await self._say_at_once(conversation, message, line("utter_only_in_private"))
        word = text.strip().strip("./!").casefold()
        try:
            if await self._wants_silence(conversation, message, word) and not first_aid.crisis_reply(text):
                return True
        except DatabaseUnavailable:
            pass  # the turn will say so
        text = "hello" if word in START else text
        incoming = Incoming(
            conversation,
            await self._as_payload(conversation, text),
            self.name(),
            message_id=_short(message.message_id),
            deliveries=lambda replies: self._effects(conversation, message, replies),
        )
        found = await self._reply_to(incoming)
        if found.stored:
            self._hurry(conversation)
            return True
        return await self._without_outbox(conversation, message, found)

    async def _wants_silence(self, conversation: str, message: Inbound, word: str) -> bool:
        """Whether nothing more is to be said to this message: an opt-out, or one of the carrier's own words."""
        database = database_of(self._app)
        out = await database.read(lambda connection: opt_out.is_out(connection, conversation))
        if word in (*STOP, *START, *self.carrier_words):
            heard = (conversation, _short(message.message_id))
            if not await database.run(lambda connection: opt_out.is_news(connection, *heard)):
                return True  # sent again: it must not undo what was said since
        if word in STOP or (word in self.carrier_words and word not in ("help", "info", *START)):
            await database.run(lambda connection: opt_out.leave(connection, conversation))
            if word not in self.carrier_words and not out:
                await self._say_at_once(conversation, message, line("utter_opted_out"))
            return True
        if word in START and (out or word in self.carrier_words):
            await database.run(lambda connection: opt_out.come_back(connection, conversation))
            if word not in self.carrier_words:
                await self._say_at_once(conversation, message, line("utter_opted_in"))
            return True
        return out or word in self.carrier_words

    async def _as_payload(self, conversation: str, text: str) -> str:
        """`text`, or what it chooses from the last answer's list: its number or its words."""
        if text.startswith("/") or not _MAYBE_A_CHOICE.match(text):
            return text
        try:
            turns = await database_of(self._app).read(lambda connection: transcript.latest(connection, conversation, 1))
        except (DatabaseUnavailable, Unreadable):
            return text
        return chosen(text, turns[-1]["replies"], self.limits) or text if turns else text

    def _effects(self, conversation: str, message: Inbound, replies: Sequence[Dict[str, Any]]) -> List[Effect]:
        calls = self.before(message.address)
        calls += [call for bubble in bubbles(replies, self.limits) for call in self.calls(message.address, bubble)]
        key = f"{self.name()} {conversation} {_short(message.message_id)}"
        return [Effect(self.name(), f"{key} {number}", {"call": call}) for number, call in enumerate(calls)]

    async def _deliver(self, entry: Entry) -> None:
        if not self.configured():
            raise NotDelivered(f"{self.name()} is switched off.")
        await self.send(entry.payload["call"])

    def _hurry(self, conversation: str) -> None:
        """Delivers now what the turn stored; whatever fails is left to the outbox."""

        async def deliver() -> None:
            try:
                await outbox.deliver_queue(database_of(self._app), conversation, self.name())
            except Exception as error:
                logger.warning("An answer waits in the outbox: %s", type(error).__name__)

        task = asyncio.create_task(deliver())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _without_outbox(self, conversation: str, message: Inbound, found: Answer) -> bool:
        """Says what no turn stored: too many messages, or our own failure with the crisis line in it."""
        if found.outcome == "limited":
            return await self._say_at_once(conversation, message, found.replies[0]["text"])
        return all([await self._send_now(message, bubble) for bubble in bubbles(found.replies, self.limits)])

    async def _say_at_once(self, conversation: str, message: Inbound, words: str) -> bool:
        """Says `words` without a turn, at most once a minute in a conversation: they cost money on some platforms."""
        if limits().may_tell(conversation):
            await self._send_now(message, Bubble(words))
        return True

    async def _send_now(self, message: Inbound, bubble: Bubble) -> bool:
        try:
            for call in self.calls(message.address, bubble):
                await self.send(call)
        except NotDelivered as error:
            logger.warning("%s", error)
            return False
        return True


def same(given: Any, expected: str) -> bool:
    """Compares a secret in constant time; an empty one is never the same."""
    return bool(expected) and hmac.compare_digest(str(given or "").encode("utf-8", "replace"), expected.encode())


def _short(message_id: str) -> str:
    return message_id[:MAX_MESSAGE_ID]
