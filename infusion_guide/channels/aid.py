"""The one place that decides whether somebody is in danger whose message gets no turn, and sees to it that staff hear of it.

Whatever a channel or the door would refuse, leave or answer with an apology goes through here first: too many messages, too
long, late, edited, in a group, after STOP, with an expired ticket, while the assistant starts, while something is broken. The
trained guard reads it (engine/danger_reader.py); patterns do where no model is loaded, or where the guard has no time left.
"""

import asyncio
import hashlib
import logging
import secrets
from collections import OrderedDict
from typing import Any, Optional

from sanic import Sanic

from infusion_guide.channels.fair_queue import FairQueue, GaveWay
from infusion_guide.delivery.crisis_notices import CrisisNotices
from infusion_guide.engine.danger_reader import DangerReader, Reading
from infusion_guide.replies import first_aid
from infusion_guide.replies.book import button_title
from infusion_guide.replies.reply import Reply

logger = logging.getLogger(__name__)

SECONDS = 3.0  # that a text may wait for the guard; then patterns read it
_LEFT = 1.0  # seconds for those
# Texts that wait for the guard from which its head for words alone turns calm ones away: below _CALM there were 4 of 1,000
# sentences of danger (development and held out), and four fifths of all ordinary ones.
_BUSY, _CALM = 20, 0.08
_HURRIED = 1000  # texts of one sender that wait for patterns
_ENDS = 500  # characters at both ends that patterns then look at
_REMEMBERED = 2000  # readings, under a hash that only this process can make


class Aid:
    """Of the application `app`; without one, as in a process without a model: patterns, and nobody is told."""

    def __init__(self, app: Optional[Sanic] = None) -> None:
        self._app = app
        self._processor: Any = None
        self._reader: Optional[DangerReader] = None
        self._queue, self._hurried = FairQueue("danger"), FairQueue("patterns", _HURRIED)
        self._key = secrets.token_bytes(16)
        self._read: "OrderedDict[bytes, Optional[Reading]]" = OrderedDict()
        self._notices = CrisisNotices(lambda: app.ctx.agent.tracker_store.database) if app is not None else None

    async def reply(self, text: Any, sender: str, seconds: float = SECONDS) -> Optional[Reply]:
        """The crisis reply or the gentle question that `text` calls for, in its language; None when it calls for neither.

        `sender`: who waits for whom; a flood of one keeps no other waiting. `seconds`: that the guard has, before patterns
        do. Never raises, whatever `text` is.
        """
        if not isinstance(text, str) or not text.strip():
            return None
        payload = text.strip()
        if payload.startswith("/") and button_title(payload) != payload:
            return first_aid.help_now() if payload == first_aid.HELP_NOW else None
        try:
            reader = self._danger_reader()
            if reader is None:
                return first_aid.crisis_reply(text)
            reading = await asyncio.wait_for(self._reading(reader, text, sender), seconds)
            return first_aid.reply_to(reading.verdict.level, reading.verdict.topic, reading.language) if reading else None
        except (TimeoutError, GaveWay):
            logger.warning("A message waited too long for the guard; patterns read it.")
        except Exception as error:
            logger.error("The guard does not read (%s); patterns do.", type(error).__name__)
        ends = text if len(text) <= 2 * _ENDS else f"{text[:_ENDS]} {text[-_ENDS:]}"
        try:
            return await asyncio.wait_for(self._hurried.run(sender, lambda: first_aid.crisis_reply(ends)), _LEFT)
        except (TimeoutError, GaveWay):
            return None

    async def instead(self, text: Any, sender: str, conversation: Optional[str], seconds: float = SECONDS) -> Optional[Reply]:
        """As `reply`, and staff are told of it: what is said in the place of a turn. `conversation` None: nobody knows it."""
        found = await self.reply(text, sender, seconds)
        if found:
            self.tell(conversation, sender)
        return found

    def tell(self, conversation: Optional[str], sender: str = "") -> None:
        """Tells staff of a crisis reply that no turn stored; once an hour for each conversation."""
        if self._notices:
            self._notices.tell(conversation, sender)

    async def _reading(self, reader: DangerReader, text: str, sender: str) -> Optional[Reading]:
        key = hashlib.blake2b(text.encode("utf-8", "replace"), key=self._key).digest()
        if key in self._read:
            self._read.move_to_end(key)
            return self._read[key]
        suspicion = reader.suspicion(text)
        if suspicion < _CALM and self._queue.waiting >= _BUSY:
            return None
        found = await self._queue.run(sender, lambda: reader.read(text), suspicion)
        self._read[key] = found
        if len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)
        return found

    def _danger_reader(self) -> Optional[DangerReader]:
        """Of the model that is loaded now; None without one."""
        agent = getattr(self._app.ctx, "agent", None) if self._app is not None else None
        processor = getattr(agent, "processor", None)
        if processor is not self._processor:
            self._reader = DangerReader(processor) if processor is not None else None
            self._processor = processor
            self._read.clear()
        return self._reader
