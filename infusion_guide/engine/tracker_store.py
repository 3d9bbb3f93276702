"""Keeps conversations: a turn is stored whole or not at all, once, and costs the same however long the talk has been."""

import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Dict, List, Optional

import sqlalchemy as sa
from rasa.core.tracker_store import TrackerStore as RasaTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, Event, SessionStarted, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.engine import Connection

from infusion_guide.callbacks.callback import Callback
from infusion_guide.callbacks.fields import PRIVATE_SLOTS
from infusion_guide.clinic.settings import settings
from infusion_guide.delivery import outbox
from infusion_guide.engine.turn_records import callback_of, miss_of
from infusion_guide.nlu.history import spoken
from infusion_guide.replies.reply import Reply
from infusion_guide.storage import callbacks, counts, misses
from infusion_guide.storage.database import database
from infusion_guide.storage.sealing import seal, unseal
from infusion_guide.storage.tables import conversations, events, turns
from infusion_guide.storage.turn import AlreadyAnswered, Effect, StaleTurn, Turn, current_turn
from infusion_guide.tools.steps import ANSWERS

# Rasa walks through all subclasses of Event for each stored event that it reads; the answer never changes.
Event.resolve_by_type = staticmethod(lru_cache(maxsize=None)(Event.resolve_by_type))  # type: ignore[method-assign]

# Slots that no event keeps: what a patient gives to a form or a guided tool under way lives in the state alone.
_KEPT_IN_STATE = PRIVATE_SLOTS | {ANSWERS}

# Events that a turn reads back: about ten turns, more than any decision here looks at.
WINDOW = 80

# Set on a tracker: (events that are stored or stand for stored ones, version of the conversation that they were read at).
_READ = "read_from_store"

_LATEST = (
    sa.select(events.c.id, events.c.data)
    .where(events.c.sender_id == sa.bindparam("sender"))
    .order_by(events.c.id.desc())
    .limit(WINDOW)
    .subquery()
)
_ANSWERED = sa.and_(turns.c.sender_id == conversations.c.sender_id, turns.c.message_id == sa.bindparam("message"))
# All that a turn reads, in one statement: each one more is a round trip for every message.
_CONVERSATION = (
    sa.select(conversations.c.version, conversations.c.state, turns.c.replies, _LATEST.c.data)
    .select_from(conversations.outerjoin(turns, _ANSWERED).outerjoin(_LATEST, sa.true()))
    .where(conversations.c.sender_id == sa.bindparam("sender"))
    .order_by(_LATEST.c.id)
)
_ALL = sa.select(events.c.data).where(events.c.sender_id == sa.bindparam("sender")).order_by(events.c.id)


class TrackerStore(RasaTrackerStore):
    """Rasa's events in Rasa's columns, with three differences from Rasa's SQLTrackerStore.

    It never ends the process and never turns a failure into an empty conversation: every error reaches the door.
    A turn (its events, the replies, what it caused) is one transaction, refused when another worker was first.
    It reads the last WINDOW events and the conversation's state instead of everything since the session began.
    """

    def __init__(self, domain: Optional[Domain], host: Optional[str] = None, event_broker: Any = None, **_: Any) -> None:
        super().__init__(domain, event_broker)
        self.database = database(host or "")

    async def retrieve(self, sender_id: str) -> Optional[DialogueStateTracker]:
        """The conversation of `sender_id`, None when there is none.

        Raises:
            AlreadyAnswered: the turn under way has a message that was answered before.
            DatabaseUnavailable: nobody knows.
        """
        turn = current_turn.get()
        asked = {"sender": sender_id, "message": turn.message_id if turn else None}
        rows = await self.database.read(lambda connection: connection.execute(_CONVERSATION, asked).fetchall())
        if not rows or not self.domain:
            return None
        if rows[0].replies is not None:
            raise AlreadyAnswered([Reply.of_message(message) for message in unseal(rows[0].replies)])
        version, state = rows[0].version, unseal(rows[0].state)
        recent_events = [unseal(row.data) for row in rows if row.data]
        if not recent_events:
            return None
        told = _whole_turns(recent_events, state) + _private_slots(state)
        tracker = DialogueStateTracker.from_dict(sender_id, told, self.domain.slots)
        setattr(tracker, _READ, (len(tracker.events), version))
        return tracker

    async def retrieve_full_tracker(self, conversation_id: str) -> Optional[DialogueStateTracker]:
        """Every event that is stored, for exports and Rasa's own tools."""
        rows = await self.database.read(lambda connection: connection.execute(_ALL, {"sender": conversation_id}).fetchall())
        if not rows or not self.domain:
            return None
        return DialogueStateTracker.from_dict(conversation_id, [unseal(row.data) for row in rows], self.domain.slots)

    async def keys(self) -> List[str]:
        """Ids of all conversations."""
        ids = await self.database.read(lambda connection: connection.execute(sa.select(conversations.c.sender_id)).fetchall())
        return [row.sender_id for row in ids]

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Stores what is new in `tracker`, and what the turn under way said and caused, in one transaction.

        Raises:
            StaleTurn: the conversation went on elsewhere since `tracker` was read.
            DatabaseUnavailable: not stored, as far as the database could tell.
        """
        stored, version = getattr(tracker, _READ, (0, 0))
        fresh = list(tracker.events)[stored:]
        if not fresh:
            return
        turn = current_turn.get()
        stored_turn = _StoredTurn(
            version=version,
            state=seal(_state(tracker)),
            events=[_row(tracker.sender_id, event) for event in fresh if not _is_private(event)],
            callback=callback_of(tracker, fresh),
            turn=turn,
            language=spoken(tracker),
        )
        if turn:
            turn.worked_out = True
            names = [reply.name for reply in turn.replies]
            stored_turn.outcome = counts.outcome_of(names)
            stored_turn.counted = counts.of_turn(
                tracker.get_latest_input_channel() or "", names, not version, stored_turn.language
            )
            stored_turn.miss = miss_of(tracker, turn.message_id, names)
            stored_turn.effects = [*turn.effects, *turn.deliveries(turn.replies)]
        await self.database.run(lambda connection: _write(connection, tracker.sender_id, stored_turn))
        setattr(tracker, _READ, (len(tracker.events), version + 1))
        if turn:
            turn.stored = True


@dataclass
class _StoredTurn:
    """All that one transaction writes of a turn. `turn` is None outside of one: Rasa's own tools save trackers, too."""

    version: int  # that the turn was worked out on
    state: str  # sealed
    events: List[Dict[str, Any]]
    callback: Optional[Callback]
    turn: Optional[Turn]
    language: str = "en"
    outcome: str = "other"
    counted: List[counts.Count] = field(default_factory=list)
    miss: Optional[misses.Miss] = None
    effects: List[Effect] = field(default_factory=list)


def _write(connection: Connection, sender: str, stored: _StoredTurn) -> None:
    now = time.time()
    values: Dict[str, Any] = {"version": stored.version + 1, "state": stored.state, "updated": now}
    values["language"] = stored.language
    if stored.outcome == "crisis":
        values["crisis"] = now
    if stored.version:
        newer = sa.update(conversations).where(conversations.c.sender_id == sender, conversations.c.version == stored.version)
        if connection.execute(newer.values(**values)).rowcount != 1:
            raise StaleTurn(f"Conversation {sender} went on elsewhere.")
    else:
        try:
            connection.execute(sa.insert(conversations).values(sender_id=sender, started=now, **values))
        except sa.exc.IntegrityError:
            raise StaleTurn(f"Conversation {sender} began elsewhere.") from None
    if stored.events:
        connection.execute(sa.insert(events), stored.events)
    if stored.turn:
        replies = seal([reply.as_message() for reply in stored.turn.replies])
        said = {"sender_id": sender, "message_id": stored.turn.message_id, "replies": replies, "at": now}
        connection.execute(sa.insert(turns).values(said))
    if stored.callback:
        callbacks.put(connection, stored.callback)
        counts.put(connection, [counts.Count(stored.callback.channel, "request")])
        outbox.put(connection, sender, outbox.notice("request", sender, stored.callback.reference))
    if stored.miss:
        misses.put(connection, stored.miss)
    counts.put(connection, stored.counted)
    outbox.put(connection, sender, stored.effects)


def _row(sender: str, event: Event) -> Dict[str, Any]:
    data = event.as_dict()
    hidden = settings().stored_words == "encrypted"  # the topic of a talk tells as much as its words
    return {
        "sender_id": sender,
        "type_name": event.type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": None if hidden else data.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": None if hidden else data.get("name"),
        "data": seal(data),
    }


def _state(tracker: DialogueStateTracker) -> Dict[str, Any]:
    """What a tracker knows beyond its latest events: slots that differ from their start, and the active form."""
    slots = {name: slot.value for name, slot in tracker.slots.items() if slot.value != slot.initial_value}
    return {"slots": slots, "loop": tracker.active_loop_name}


def _whole_turns(recent: List[Dict[str, Any]], state: Dict[str, Any]) -> List[Dict[str, Any]]:
    """`recent` from the beginning of a session or of a turn on, led in by `state` where the beginning is missing."""
    starts = [i for i, event in enumerate(recent) if event["event"] == SessionStarted.type_name]
    if starts:
        return recent[starts[-1] :]
    if len(recent) < WINDOW:
        return recent
    first = next(i for i, event in enumerate(recent) if event["event"] == UserUttered.type_name)
    at = recent[first]["timestamp"]
    begun: List[Event] = [SessionStarted(timestamp=at)]
    # The window holds later changes of the same slots and form; applied in order they end in the stored state.
    begun += [SlotSet(name, value, timestamp=at) for name, value in state.get("slots", {}).items()]
    if state.get("loop"):
        begun.append(ActiveLoop(state["loop"], timestamp=at))
    begun.append(ActionExecuted("action_listen", timestamp=at))
    return [event.as_dict() for event in begun] + recent[first:]


def _is_private(event: Event) -> bool:
    return isinstance(event, SlotSet) and event.key in _KEPT_IN_STATE


def _private_slots(state: Dict[str, Any]) -> List[Dict[str, Any]]:
    """Events that set what a patient gave to a form or tool under way: it is kept in the state alone."""
    given = {name: value for name, value in state.get("slots", {}).items() if name in _KEPT_IN_STATE}
    return [SlotSet(name, value).as_dict() for name, value in given.items()]
