"""Rasa's SQL tracker store, set up for SQLite on a server and read and written with less work a message."""

import itertools
import json
from functools import lru_cache
from typing import Any, Dict, Iterator, Optional

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import QueuePool

# Rasa walks through all subclasses of Event for each stored event that it reads; the answer never changes.
Event.resolve_by_type = staticmethod(lru_cache(maxsize=None)(Event.resolve_by_type))  # type: ignore[method-assign]

_ALL = sa.text("SELECT data FROM events WHERE sender_id = :sender ORDER BY id")
_LATEST_SESSION = sa.text(
    "SELECT data FROM events WHERE sender_id = :sender AND timestamp >= COALESCE((SELECT MAX(timestamp) FROM events "
    "WHERE sender_id = :sender AND type_name = 'session_started'), 0) ORDER BY id"
)

# Set on a tracker: how many of its events are in the database.
_STORED = "stored_events"


class TrackerStore(SQLTrackerStore):
    """Same table and same events as Rasa's store; half the time a message (docs/architecture.md).

    On SQLite, connections are kept open, readers do not wait for writers (write-ahead log), and the disk is synced at
    checkpoints: a power cut can cost the last messages, never the database (sqlite.org/wal.html).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.engine.dialect.name == "sqlite":
            url = self.engine.url
            self.engine.dispose()
            self.engine = sa.create_engine(url, poolclass=QueuePool, connect_args={"check_same_thread": False})
            sa.event.listen(self.engine, "connect", self._tune)
            self.sessionmaker = sessionmaker(bind=self.engine)

    @staticmethod
    def _tune(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    async def _retrieve(self, sender_id: str, fetch_events_from_all_sessions: bool) -> Optional[DialogueStateTracker]:
        """The tracker of `sender_id`, or None; only the events' data are read, not whole rows."""
        with self.session_scope() as session:
            query = _ALL if fetch_events_from_all_sessions else _LATEST_SESSION
            events = [json.loads(data) for (data,) in session.execute(query, {"sender": sender_id})]
        if not events or not self.domain:
            return None
        tracker = DialogueStateTracker.from_dict(sender_id, events, self.domain.slots)
        if not fetch_events_from_all_sessions:
            setattr(tracker, _STORED, len(tracker.events))
        return tracker

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Stores the events that are not stored yet, in one statement."""
        await self.stream_events(tracker)
        with self.session_scope() as session:
            rows = [self._row(tracker.sender_id, event) for event in self._additional_events(session, tracker)]
            if rows:
                session.execute(sa.insert(self.SQLEvent), rows)
            session.commit()
        setattr(tracker, _STORED, len(tracker.events))

    @staticmethod
    def _row(sender_id: str, event: Event) -> Dict[str, Any]:
        data = event.as_dict()
        return {
            "sender_id": sender_id,
            "type_name": event.type_name,
            "timestamp": data.get("timestamp"),
            "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
            "action_name": data.get("name"),
            "data": json.dumps(data),
        }

    def _additional_events(self, session: Session, tracker: DialogueStateTracker) -> Iterator[Event]:
        """The tracker's events that are not stored; counted in the database only for a tracker that we did not read."""
        stored = getattr(tracker, _STORED, None)
        if stored is None:
            return super()._additional_events(session, tracker)
        return itertools.islice(tracker.events, stored, None)
