"""What becomes of a conversation: erased on request or when its time is over, handed to its patient.

python -m infusion_guide.storage.privacy purge | export ID | erase ID     (ID: web:kX3...; or CHANNEL ADDRESS: sms +15550100)
After a jump of the clock that a person has looked at: purge --clock-is-right
"""

import asyncio
import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence
from weakref import WeakSet

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from infusion_guide.callbacks.callback import Callback
from infusion_guide.callbacks.contact import shown
from infusion_guide.callbacks.fields import PRIVATE
from infusion_guide.clinic.identity import conversations_with, digest, end_all
from infusion_guide.clinic.settings import SettingError, settings
from infusion_guide.storage import audit_chain, callbacks, marks
from infusion_guide.storage.database import FAILURES, Database, DatabaseUnavailable, database
from infusion_guide.storage.ended import end, over
from infusion_guide.storage.sealing import Unreadable, unseal
from infusion_guide.storage.tables import (
    audit,
    conversations,
    ended,
    events,
    facts,
    feedback,
    metadata,
    outbox,
    request_notes,
    requests,
    turns,
)
from infusion_guide.storage.transcript import Exchange, exchanges
from infusion_guide.storage.turn import MAIL, WEBHOOK

logger = logging.getLogger(__name__)

DAY = 86_400.0  # seconds
KEEP_TURNS = 2 * DAY  # platforms send a message again for hours, not for days
KEEP_DELIVERED = 7 * DAY
BATCH = 50  # conversations in one transaction; other rows: ten times as many
FIRST_PURGE = 60.0  # seconds after the start
NEXT_PURGE = 3600.0
LEAP = 3 * DAY  # since the last purge: a long weekend switched off. Longer, and a person says that the clock is right

_PAUSE = 0.02  # seconds between two transactions: SQLite has one writer at a time, and patients go first
_TRIES = 5  # for SQLite's log, which can only be emptied while nobody reads

# Every table with a conversation's rows, later ones too. The conversation's own row comes first: a turn under way waits for
# it or makes us wait, and finds it gone (StaleTurn) instead of adding to what is being erased. Notes of staff come last: one
# that is being written holds its request's row, so it is there to be deleted once that row is.
_OTHERS = [t for t in metadata.sorted_tables if "sender_id" in t.c and t not in (conversations, request_notes)]
_TABLES = [conversations, *_OTHERS, request_notes]

# What ends with a conversation's time. A request that it led to is the clinic's to work off: it has a time of its own.
_TIMED = [table for table in _TABLES if table not in (requests, request_notes)]

_SEEN = "seen"  # the mark of the last purge: Unix seconds
_BY = "command line"  # in the audit log
_CONFIRM = "--clock-is-right"

# Databases in which something was erased by this process whose bytes may still be in the files.
_traces: "WeakSet[Database]" = WeakSet()


class ClockJumped(RuntimeError):
    """The clock is so far from what it was that nothing is erased by age; the message says what to do."""


def erase(connection: Connection, sender_id: str, by: str = "") -> Dict[str, int]:
    """Deletes the conversation from every table, its call-back requests too; how many rows by table, all 0 without any.

    Staff who look for a request by its number find in the audit log who erased it: `by`, or its patient. Tickets of the
    conversation open nothing any more (ended.py).
    """
    chosen = sa.select(requests.c.reference).where(requests.c.sender_id == sender_id)
    withdrawn = connection.execute(chosen).scalars().all()
    gone = _delete(connection, sender_id, _TABLES)
    end(connection, sender_id)
    for reference in withdrawn:  # last: whoever notes something waits for this, and may hold a row of the conversation
        if by:
            audit_chain.put(connection, by, "erased a request", reference, "at the patient's request")
        else:
            audit_chain.put(connection, "-", "request erased by its patient", reference)
    return gone


def _delete(connection: Connection, sender_id: str, tables: List[sa.Table]) -> Dict[str, int]:
    return {t.name: connection.execute(sa.delete(t).where(t.c.sender_id == sender_id)).rowcount for t in tables}


async def erase_soon(kept: Database, sender_id: str) -> Dict[str, int]:
    """`erase`, while patients talk: the rows are gone on return, their last traces with the next run of `purge_daily`.

    Raises:
        DatabaseUnavailable: nothing was erased, as far as the database could tell.
    """
    gone = await kept.run(lambda connection: erase(connection, sender_id))
    end_all([digest(sender_id)])
    _traces.add(kept)
    return gone


def erase_now(kept: Database, sender_id: str, by: str = "") -> Dict[str, int]:
    """`erase` and `wipe`: on return no file of a SQLite database holds a word of the conversation.

    Raises:
        DatabaseUnavailable: not erased, or erased with traces left; once more does no harm.
    """
    _traces.add(kept)
    gone = kept.run_now(lambda connection: erase(connection, sender_id, by))
    wipe(kept)
    return gone


def wipe(kept: Database) -> None:
    """Clears the files of `kept` of what was deleted.

    SQLite: secure_delete overwrites deleted rows, but not the copies that it leaves in a page when it moves rows to another
    (seen in tests), so the file is written anew (VACUUM: 0.2 s for 27 MB) and the write-ahead log is emptied.

    PostgreSQL: VACUUM frees the space of deleted rows for others and keeps nobody waiting, but their bytes stay in the files
    and in the write-ahead log until something overwrites them, and backups keep their own copy. Where that matters:
    STORED_WORDS=encrypted, encrypted disks, short-lived backups; VACUUM FULL at night also clears the tables' files.

    Raises:
        DatabaseUnavailable: others were using the database all the time; try again.
    """
    try:
        with kept.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if kept.engine.dialect.name == "sqlite":
                _wipe_sqlite(connection)
            else:
                connection.exec_driver_sql("SET statement_timeout = 0")  # it waits for nobody and nobody for it
                try:
                    for table in _TABLES:
                        connection.exec_driver_sql(f"VACUUM {table.name}")
                finally:
                    connection.exec_driver_sql("RESET statement_timeout")
    except FAILURES as error:
        raise DatabaseUnavailable(f"Traces of erased words were not cleared: {type(error).__name__} (DATABASE_URL).") from error
    _traces.discard(kept)


def _wipe_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("VACUUM")
    for _ in range(_TRIES):
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").first()[0]
        if not busy:
            return
    raise DatabaseUnavailable("SQLite's log was not emptied: somebody reads all the time (DATABASE_URL).")


def export(kept: Database, sender_id: str) -> Dict[str, Any]:
    """Everything that is kept of a conversation, for its patient; JSON. `messages` is empty when there is none.

    `messages`, oldest first: `who` ("you", "assistant"), `at` (UTC), `words`; of the assistant's also `sources` and `choices`
    where it named some. `remembered`: what else the assistant knows. `feedback`: on which answer, what and why.
    `passed_on`: what went to the clinic because of it. `requests`: call-back requests as the patient gave them.

    Raises:
        DatabaseUnavailable, Unreadable: nobody knows.
    """

    def read(connection: Connection) -> Dict[str, Any]:
        row = connection.execute(sa.select(conversations).where(conversations.c.sender_id == sender_id)).first()
        said = sa.select(events.c.data).where(events.c.sender_id == sender_id).order_by(events.c.id)
        judged = sa.select(feedback).where(feedback.c.sender_id == sender_id).order_by(feedback.c.at)
        notices = (outbox.c.sender_id == sender_id, outbox.c.kind.in_((WEBHOOK, MAIL)))
        passed_on = sa.select(outbox.c.key, outbox.c.at).where(*notices).order_by(outbox.c.id)
        return {
            "conversation": sender_id,
            "began": _utc(row.started) if row else None,
            "erased_by_itself": _utc(row.updated + settings().keep_conversations_days * DAY) if row else None,
            "messages": _messages(exchanges([unseal(event.data) for event in connection.execute(said)])),
            "remembered": unseal(row.state).get("slots", {}) if row else {},
            "feedback": [_judgement(row) for row in connection.execute(judged)],
            "requests": [_request(each) for each in callbacks.of_conversation(connection, sender_id)],
            "passed_on": _passed_on(connection.execute(passed_on)),
        }

    return kept.run_now(read)


def as_text(exported: Dict[str, Any]) -> str:
    """The same to read and to print."""
    lines = [f"Your conversation with the assistant of {settings().clinic_name} ({exported['conversation']})"]
    if exported["erased_by_itself"]:
        lines += [f"It is erased by itself after {exported['erased_by_itself']} if you do not write again."]
    for message in exported["messages"]:
        lines += ["", f"{message['at']}  {'You' if message['who'] == 'you' else 'Assistant'}:", message["words"]]
        if message.get("choices"):
            lines += [f"Choices: {', '.join(message['choices'])}"]
        if message.get("sources"):
            lines += [f"Sources: {', '.join(message['sources'])}"]
    if not exported["messages"]:
        lines += ["", "Nothing is kept."]
    if exported["remembered"]:
        lines += ["", f"The assistant also remembers: {json.dumps(exported['remembered'], ensure_ascii=False)}"]
    for judged in exported["feedback"]:
        reason = f": {judged['reason']}" if judged.get("reason") else ""
        lines += [f"Your feedback, {judged['at']}, on {judged['answer']}: {judged['value']}{reason}"]
    for asked in exported["requests"]:
        given = ", ".join(f"{field.title.lower()}: {asked[field.name]}" for field in PRIVATE if asked[field.name])
        lines += [f"Your call-back request {asked['reference']}, {asked['at']} ({asked['status']}): {given}"]
    lines += [f"Passed on to the clinic, {effect['at']}: {effect['kind']}" for effect in exported["passed_on"]]
    return "\n".join(lines) + "\n"


def _judgement(row: Any) -> Dict[str, Any]:
    reason = {"reason": unseal(row.reason)} if row.reason else {}
    return {"at": _utc(row.at), "answer": row.utter_action, "value": row.value, **reason}


def _passed_on(effects: Iterable[Any]) -> List[Dict[str, str]]:
    """One entry a notice, whichever ways it went."""
    told = {effect.key.removesuffix(f" {MAIL}"): effect.at for effect in effects}
    return [{"kind": key.split(" ")[0], "at": _utc(at)} for key, at in told.items()]


def _request(asked: Callback) -> Dict[str, Any]:
    given = {field.name: asked.given.get(field.name) for field in PRIVATE}
    given["contact"] = shown(given["contact"]) if given["contact"] else None
    return {"reference": asked.reference, "at": _utc(asked.at), "status": asked.status, **given}


def _messages(told: Sequence[Exchange]) -> List[Dict[str, Any]]:
    found: List[Dict[str, Any]] = []
    for each in told:
        if each.text is not None:
            found.append({"who": "you", "at": _utc(each.at), "words": each.text})
        for said in each.replies:
            message = {"who": "assistant", "at": _utc(said.at), "words": said.reply.text}
            extra = {"sources": list(said.reply.sources), "choices": [button.title for button in said.reply.buttons]}
            found.append({**message, **{key: value for key, value in extra.items() if value}})
    return found


def _utc(seconds: Optional[float]) -> str:
    """2026-11-23 14:05:09 UTC."""
    return datetime.fromtimestamp(seconds or 0, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def leapt(connection: Connection, now: float) -> Optional[str]:
    """Why the clock that says `now` (Unix seconds) is not to be believed, in a sentence; None: it may be right.

    LEAP after the last purge, or another day than the database server's own clock. Where there was no purge yet: a month
    after the newest row.
    """
    seen = marks.get(connection, _SEEN)
    times = (conversations.c.updated, requests.c.updated, audit.c.at)
    known = [connection.execute(sa.select(sa.func.max(column))).scalar() for column in times] if seen is None else [float(seen)]
    last = max((at for at in known if at is not None), default=now)
    if now - last > (LEAP if seen is not None else 30 * DAY):
        return f"The clock says {_utc(now)}, {(now - last) / DAY:.0f} days after the last sign of life ({_utc(last)})."
    if connection.dialect.name == "postgresql":
        theirs = float(connection.execute(sa.text("SELECT extract(epoch FROM now())")).scalar() or now)
        if abs(theirs - now) > DAY:
            return f"The clock says {_utc(now)}, the database server's {_utc(theirs)}."
    return None


def waiting_too_long(connection: Connection, now: float) -> int:
    """How many call-back requests nobody has taken, KEEP_REQUESTS_DAYS after they came. They are not purged."""
    late = (requests.c.status == "new", requests.c.updated < now - settings().keep_requests_days * DAY)
    return int(connection.execute(sa.select(sa.func.count()).select_from(requests).where(*late)).scalar() or 0)


def purge(kept: Database, now: float, clock_is_right: bool = False) -> Dict[str, int]:
    """Deletes what is past its time at `now` (Unix seconds); how many rows by table.

    Conversations with all that belongs to them: KEEP_CONVERSATIONS_DAYS after their last message; requests that somebody has
    taken: KEEP_REQUESTS_DAYS after their last change; counts: KEEP_COUNTS_DAYS; answered turns: KEEP_TURNS; what was delivered:
    KEEP_DELIVERED. Many short transactions: nobody waits long, several workers may do it at once, and what an interrupted
    purge has left the next one takes.

    Raises:
        DatabaseUnavailable: not all of it; what is gone is gone.
        ClockJumped: nothing, see `leapt`, unless a person has said that the clock is right.
    """

    def look(connection: Connection) -> None:
        why = None if clock_is_right else leapt(connection, now)
        if why:
            how = f"Mend it, or run `python -m infusion_guide.storage.privacy purge {_CONFIRM}`."
            raise ClockJumped(f"{why} Nothing was erased by age. {how}")
        marks.put(connection, _SEEN, repr(now))

    kept.run_now(look)
    too_old = now - settings().keep_conversations_days * DAY
    gone = {table.name: 0 for table in [*_TABLES, facts, ended]}

    def count(part: Dict[str, int]) -> int:
        for name, rows in part.items():
            gone[name] += rows
        return sum(part.values())

    def repeat(work: Callable[[Connection], Dict[str, int]], words_of_patients: bool = True) -> None:
        while count(kept.run_now(work)):
            if words_of_patients:  # only these are worth writing the whole file anew, which keeps writers waiting
                _traces.add(kept)
            time.sleep(_PAUSE)

    repeat(lambda connection: _purge_conversations(connection, too_old))
    for table in (request_notes, requests):  # notes first: they are found by their request
        repeat(lambda connection, table=table: _purge_requests(connection, table, now))
    too_old_to_count = facts.c.hour < now - settings().keep_counts_days * DAY
    repeat(lambda connection: _purge_rows(connection, facts, too_old_to_count), False)
    repeat(lambda connection: _purge_rows(connection, turns, turns.c.at < now - KEEP_TURNS), False)
    repeat(lambda connection: _purge_rows(connection, outbox, outbox.c.done < now - KEEP_DELIVERED), False)
    repeat(lambda connection: _purge_rows(connection, ended, over(now)), False)
    # What was never delivered outlives no conversation either.
    repeat(lambda connection: _purge_rows(connection, outbox, outbox.c.at < too_old), False)
    repeat(lambda connection: _purge_orphans(connection, too_old))  # last: it looks at every event and may run out of time
    return gone


def _purge_conversations(connection: Connection, too_old: float) -> Dict[str, int]:
    """One batch. Rows that another worker holds are left to it (PostgreSQL; SQLite has one writer)."""
    expired = conversations.c.updated < too_old
    chosen = sa.select(conversations.c.sender_id).where(expired).limit(BATCH).with_for_update(skip_locked=True)
    gone = {table.name: 0 for table in _TABLES}
    for sender in connection.execute(chosen).scalars().all():
        # Asked again: in SQLite nothing is locked before the first deletion, and the patient may have written meanwhile.
        own = sa.delete(conversations).where(conversations.c.sender_id == sender, expired)
        if connection.execute(own).rowcount:
            gone[conversations.name] += 1
            for name, rows in _delete(connection, sender, _TIMED).items():
                gone[name] += rows
    return gone


def _purge_orphans(connection: Connection, too_old: float) -> Dict[str, int]:
    """One batch of events without a conversation: Rasa's own store, from before this one, kept only events."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = '120s'")
    known = sa.exists().where(conversations.c.sender_id == events.c.sender_id)
    latest = sa.func.coalesce(sa.func.max(events.c.timestamp), 0)
    chosen = sa.select(events.c.sender_id).where(~known).group_by(events.c.sender_id).having(latest < too_old).limit(BATCH)
    senders = connection.execute(chosen).scalars().all()
    rows = connection.execute(sa.delete(events).where(events.c.sender_id.in_(senders), ~known)).rowcount if senders else 0
    return {events.name: rows}


def _purge_requests(connection: Connection, table: sa.Table, now: float) -> Dict[str, int]:
    """One batch of requests that somebody has taken, or of their notes, KEEP_REQUESTS_DAYS after the request's last change."""
    late = requests.c.updated < now - settings().keep_requests_days * DAY
    old = sa.select(requests.c.reference).where(late, requests.c.status != "new")
    return _purge_rows(connection, table, table.c.reference.in_(old))


def _purge_rows(connection: Connection, table: sa.Table, expired: Any) -> Dict[str, int]:
    """One batch of rows that are `expired`."""
    key = list(table.primary_key.columns)
    chosen = sa.select(*key).where(expired).limit(10 * BATCH).with_for_update(skip_locked=True)
    return {table.name: connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(chosen))).rowcount}


async def purge_daily(kept: Database) -> None:
    """Purges an hour after an hour until it is cancelled, in a thread of its own; failures are logged and tried again."""
    await asyncio.sleep(FIRST_PURGE)
    while True:
        try:
            gone = await asyncio.to_thread(purge, kept, time.time())
            if kept in _traces:
                await asyncio.to_thread(wipe, kept)
            if any(gone.values()):
                logger.info("Purged: %s", ", ".join(f"{rows} {name}" for name, rows in gone.items() if rows))
            late = await asyncio.to_thread(kept.run_now, lambda connection: waiting_too_long(connection, time.time()))
            if late:
                logger.error("%s call-back requests wait longer than KEEP_REQUESTS_DAYS: nobody has taken them.", late)
        except ClockJumped as error:
            logger.critical("The purge refuses, and looks again in an hour: %s", error)
        except DatabaseUnavailable as error:
            logger.error("The purge failed and is tried again in an hour: %s", error)
        except Exception as error:  # of others only the kind is known to be free of a patient's words
            logger.error("The purge failed and is tried again in an hour: %s", type(error).__name__)
        await asyncio.sleep(NEXT_PURGE)


def main(arguments: List[str]) -> int:
    """The command; 0 when it did what was asked, 1 when there was nothing or it failed, 2 when it was not understood."""
    command, given = (arguments or [""])[0], arguments[1:]
    if not ((command == "purge" and given in ([], [_CONFIRM])) or (command in ("export", "erase") and len(given) in (1, 2))):
        print((__doc__ or "").strip().splitlines()[-2], file=sys.stderr)
        return 2
    try:
        if command == "purge":
            gone = purge(database(), time.time(), clock_is_right=bool(given))
            wipe(database())
            print("Deleted: " + ", ".join(f"{rows} {name}" for name, rows in gone.items()))
            return 0
        return _for_one(command, _conversations(given))
    except ClockJumped as error:
        print(error, file=sys.stderr)
        return 1
    except (DatabaseUnavailable, Unreadable, SettingError) as error:
        print(f"{error} Was the assistant ever started with this database?", file=sys.stderr)
        return 1


def _conversations(given: List[str]) -> List[str]:
    """The ids that are meant; of an address those under former SECRET_KEYs, too."""
    if len(given) == 1:
        return given
    return conversations_with(given[0], given[1])


def _for_one(command: str, ids: List[str]) -> int:
    if command == "export":
        found = [export(database(), sender_id) for sender_id in ids]
        told = [each for each in found if each["messages"]] or found[-1:]
        print("\n".join(as_text(each) for each in told), end="")
        return 0 if told[0]["messages"] else 1
    erased = {sender_id: gone for sender_id in ids if any((gone := erase_now(database(), sender_id, _BY)).values())}
    if not erased:
        print(f"There is no conversation {ids[-1]}.", file=sys.stderr)
        return 1
    for sender_id, gone in erased.items():
        print(f"Erased {sender_id}: " + ", ".join(f"{rows} {name}" for name, rows in gone.items()))
    if database().engine.dialect.name == "postgresql":
        print("PostgreSQL overwrites the bytes in its files and its log later; backups keep their copy. See docs/privacy.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
