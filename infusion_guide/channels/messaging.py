"""What the messaging platforms share: a genuine call in, one turn, its answer out, in order and never twice.

A call is verified before it is read. Each message becomes a turn of the door, and the turn stores its answer in the
outbox, in the platform's own form; so the platform may be slow, away or send the same call again, and several workers
may be at it: the answer goes out once, in order, when it can.
"""

import asyncio
import logging
import re
from typing import Any, Dict, List, Sequence, Set

from sanic import Blueprint, Sanic, response
from sanic.request import Request
from sanic.response import HTTPResponse

from infusion_guide.channels.channel import Channel, ReplyTo, database_of
from infusion_guide.channels.door import Answer
from infusion_guide.channels.message import MAX_MESSAGE_ID, MAX_TEXT, Message, Refused, text_of
from infusion_guide.channels.platform import SPANISH_START, SPANISH_STOP, START, STOP, Call, Platform, Received, bare
from infusion_guide.channels.rate_limits import rate_limits
from infusion_guide.channels.rendering import Bubble, bubbles, chosen, joined
from infusion_guide.clinic import identity
from infusion_guide.clinic.settings import settings
from infusion_guide.delivery import outbox
from infusion_guide.delivery.outbox import Entry, NotDelivered
from infusion_guide.replies import first_aid
from infusion_guide.replies.book import line
from infusion_guide.replies.reply import Reply
from infusion_guide.storage import opt_out, transcript
from infusion_guide.storage.database import DatabaseUnavailable
from infusion_guide.storage.sealing import Unreadable
from infusion_guide.storage.turn import Effect

logger = logging.getLogger(__name__)

_END = MAX_TEXT // 2 - 1  # characters at both ends of a longer text that become a turn
_CHECK_IN = "utter_crisis/check_in"
_MAYBE_A_CHOICE = re.compile(r"^.{1,40}$")


class MessagingChannel(Channel):
    """Serves one platform."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.name = platform, platform.name
        self._tasks: Set["asyncio.Task[Any]"] = set()

    def routes(self, blueprint: Blueprint, reply_to: ReplyTo) -> None:
        """See parent."""
        outbox.HANDLERS[self.name] = outbox.HANDLERS[outbox.crisis_kind(self.name)] = self._deliver
        self._reply_to = reply_to

        @blueprint.get("/webhook")
        async def asked(request: Request) -> HTTPResponse:
            found = self.platform.handshake(request) if self.platform.is_on(settings()) else None
            return found or response.json({"error": "Nothing here."}, status=404)

        @blueprint.post("/webhook")
        async def receive(request: Request) -> HTTPResponse:
            if not self.platform.is_on(settings()):
                return response.json({"error": "This platform is off."}, status=404)
            try:
                self.platform.verify(request)
            except Refused as refused:
                return response.json({"error": str(refused)}, status=refused.status)
            await self._record(request)
            # Together: what a person wrote in one burst keeps its order, and nobody waits for another person.
            answered = await asyncio.gather(*(self._one_person(messages) for messages in self._by_person(request)))
            if not all(answered):
                return response.json({"error": "Please send this again."}, status=503, headers={"Retry-After": "5"})
            return self.platform.acknowledgement(request)

    async def _record(self, request: Request) -> None:
        """Answers that did not arrive are for staff to see; whatever goes wrong here keeps no message from its answer."""
        try:
            for report in self.platform.reports(request):
                conversation = identity.conversation_with(self.name, report.person)
                said = (conversation, self.name, _short(report.message_id), f"{self.name} reports: {report.reason}")
                await database_of(self._app).run(lambda connection, said=said: outbox.record_failure(connection, *said))
        except Exception as error:
            logger.warning("A report of %s was not recorded: %s", self.name, type(error).__name__)

    def attach(self, app: Sanic) -> None:
        """See parent."""
        self._app = app

    def _by_person(self, request: Request) -> List[List[Received]]:
        try:
            found = self.platform.read(request)
        except Exception as error:  # genuine, but of a shape that we do not know: the platform need not send it again
            logger.warning("A call of %s was not understood: %s", self.name, type(error).__name__)
            return []
        people: Dict[str, List[Received]] = {}
        for message in found:
            people.setdefault(message.person, []).append(message)
        return list(people.values())

    async def _one_person(self, messages: List[Received]) -> bool:
        """Whether all of them were answered, or need no answer."""
        return all([await self._one(message) for message in messages])

    async def _one(self, message: Received) -> bool:
        conversation = identity.conversation_with(self.name, message.person)
        text = text_of(message.text if len(message.text) <= MAX_TEXT else f"{message.text[:_END]} {message.text[-_END:]}")
        if not message.private:
            return await self._in_group(conversation, message)
        if len(message.text) > MAX_TEXT or not self._app.ctx.ready:  # read whole; and a turn would not be stored yet
            crisis = await self.aid.reply(message.text, conversation)
            if crisis:
                return await self._aid(conversation, message, crisis)
            if not self._app.ctx.ready:
                return False
        if message.aside and not await self.aid.reply(text, conversation):
            return True
        try:
            if await self._wants_silence(conversation, message, text) and not await self.aid.reply(text, conversation):
                return True
        except DatabaseUnavailable:
            pass  # the turn will say so
        if bare(text) in START:
            text = "hola" if bare(text) in SPANISH_START else "hello"
        else:
            text = await self._as_payload(conversation, text)
        message_id = _short(message.message_id)
        found = await self._reply_to(
            Message(
                conversation,
                text,
                self.name,
                message_id=message_id,
                deliveries=lambda replies: self._effects(conversation, message, replies),
                messaging=True,
            )
        )
        if found.stored:
            self._hurry(conversation)
            return True
        return await self._without_outbox(conversation, message, found)

    async def _in_group(self, conversation: str, message: Received) -> bool:
        """A hint to write in private, to who addressed us; to danger the crisis reply, whoever was addressed."""
        hint = line("utter_only_in_private", language=settings().language)
        crisis = await self.aid.reply(message.text, conversation)
        if crisis and crisis.name != _CHECK_IN:
            return await self._aid(conversation, message, crisis)
        if crisis:  # perhaps: nobody is asked in front of others, but the hint names whom to call
            self.aid.tell(conversation)
            return await self._send_now(self.platform.calls(message.address, Bubble(hint)))
        return message.aside or await self._say_at_once(conversation, message, hint)

    async def _aid(self, conversation: str, message: Received, crisis: Reply) -> bool:
        """Says a crisis reply without a turn, and tells staff."""
        self.aid.tell(conversation)
        return await self._without_outbox(conversation, message, Answer([crisis], stored=False))

    async def _wants_silence(self, conversation: str, message: Received, text: str) -> bool:
        """Whether nothing more is to be said to this message: an opt-out, or one of the carrier's own words."""
        database, carriers = database_of(self._app), self.platform.carrier_words
        out = await database.read(lambda connection: opt_out.is_out(connection, conversation))
        word = self.platform.command(text, out)
        if word in (*STOP, *START, *carriers):
            heard = (conversation, _short(message.message_id))
            if not await database.run(lambda connection: opt_out.is_news(connection, *heard)):
                return True  # sent again: it must not undo what was said since
        if word == "ayuda" and "help" in carriers:  # the carrier answers HELP alone: this is ours
            await self._say_at_once(conversation, message, line("utter_keyword_help", language="es"))
            return True
        if word in STOP or (word in carriers and word not in ("help", "info", *START)):
            await database.run(lambda connection: opt_out.leave(connection, conversation))
            if word not in carriers and not out:
                language = "es" if word in SPANISH_STOP else await self._language(conversation)
                await self._say_at_once(conversation, message, line("utter_opted_out", language=language))
            return True
        if word in START and (out or word in carriers):
            await database.run(lambda connection: opt_out.come_back(connection, conversation))
            if word not in carriers:
                language = "es" if word in SPANISH_START else await self._language(conversation)
                await self._say_at_once(conversation, message, line("utter_opted_in", language=language))
            return True
        return out or word in carriers

    async def _as_payload(self, conversation: str, text: str) -> str:
        """`text`, or what it chooses from the last answer's list: its number or its words."""
        if text.startswith("/") or not _MAYBE_A_CHOICE.match(text):
            return text
        try:
            told = await database_of(self._app).read(lambda connection: transcript.latest(connection, conversation, 1))
        except (DatabaseUnavailable, Unreadable):
            return text
        said = [each.reply for each in told[-1].replies] if told else []
        return chosen(text, said, self.platform.limits) or text

    async def _language(self, conversation: str) -> str:
        """The language of the last answer; before the first, and where nobody knows, LANGUAGE."""
        try:
            told = await database_of(self._app).read(lambda connection: transcript.latest(connection, conversation, 1))
        except (DatabaseUnavailable, Unreadable):
            told = []
        said = [each.reply.language for each in told[-1].replies if each.reply.language] if told else []
        return said[-1] if said else settings().language

    def _effects(self, conversation: str, message: Received, replies: Sequence[Reply]) -> List[Effect]:
        calls = [*self.platform.before(message.address), *self._calls(message, replies)]
        key = f"{self.name} {conversation} {_short(message.message_id)}"
        kind = outbox.crisis_kind(self.name) if _is_crisis(replies) else self.name
        return [Effect(kind, f"{key} {number}", {"call": call}) for number, call in enumerate(calls)]

    def _calls(self, message: Received, replies: Sequence[Reply]) -> List[Call]:
        """What has to be sent for `replies` to be seen."""
        said = [joined(replies)] if self.platform.one_message else replies
        shown = bubbles(said, self.platform.limits)
        return [call for bubble in shown for call in self.platform.calls(message.address, bubble)]

    async def _deliver(self, entry: Entry) -> None:
        if not self.platform.is_on(settings()):
            raise NotDelivered(f"{self.name} is switched off.")
        await self.platform.send(entry.payload["call"])

    def _hurry(self, conversation: str) -> None:
        """Delivers now what the turn stored; whatever fails is left to the outbox."""

        async def deliver() -> None:
            try:
                for kind in (outbox.crisis_kind(self.name), self.name):
                    await outbox.deliver_queue(database_of(self._app), conversation, kind)
            except Exception as error:
                logger.warning("An answer waits in the outbox: %s", type(error).__name__)

        task = asyncio.create_task(deliver())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _without_outbox(self, conversation: str, message: Received, found: Answer) -> bool:
        """Says what no turn stored: too many messages, our own failure with the crisis line in it, a crisis reply."""
        if found.outcome == "limited":
            language = await self._language(conversation)
            return await self._say_at_once(conversation, message, first_aid.in_language(found.replies[0], language).text)
        if _is_crisis(found.replies) and not rate_limits().may_aid(conversation):
            return True  # ten of them in this minute stand above
        replies = found.replies
        if not _is_crisis(replies):  # a crisis has its language, and waits for no database
            language = await self._language(conversation)
            replies = [first_aid.in_language(reply, language) for reply in replies]
        if await self._send_now(self._calls(message, replies)):
            return True
        return _is_crisis(found.replies) and await self._later(conversation, message, found.replies)

    async def _later(self, conversation: str, message: Received, replies: Sequence[Reply]) -> bool:
        """Whether the outbox takes what the platform did not: not every platform sends a message again."""
        try:
            effects = self._effects(conversation, message, replies)
            await database_of(self._app).run(lambda connection: outbox.put(connection, conversation, effects))
            return True
        except DatabaseUnavailable:
            return False

    async def _say_at_once(self, conversation: str, message: Received, words: str) -> bool:
        """Says `words` without a turn, at most once a minute in a conversation: they cost money on some platforms."""
        if rate_limits().may_tell(conversation):
            await self._send_now(self.platform.calls(message.address, Bubble(words)))
        return True

    async def _send_now(self, calls: List[Call]) -> bool:
        """Whether all `calls` were taken; after one that was not the others are tried all the same."""
        sent = True
        for call in calls:
            try:
                await self.platform.send(call)
            except NotDelivered as error:
                logger.warning("%s", error)
                sent = False
        return sent


def _is_crisis(replies: Sequence[Reply]) -> bool:
    return any(reply.topic.kind == "crisis" for reply in replies)


def _short(message_id: str) -> str:
    return message_id[:MAX_MESSAGE_ID]
