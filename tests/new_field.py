"""What tests/test_callback_fields.py runs in a copy of the project that has one line more: a field of the call-back form.

The line says only slot, name and title, so nothing is known of the field that would let anybody see it.
"""

import csv
import io
import re
import uuid

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from actions.validate_callback_form import ValidateCallbackForm
from infusion_guide.callbacks import fields
from infusion_guide.clinic.settings import Settings
from infusion_guide.engine.tracker_store import TrackerStore
from infusion_guide.storage import conversations, privacy, sealing, tables
from infusion_guide.storage.database import Database, migrate
from infusion_guide.storage.turn import Turn, current_turn
from tests.actions.trackers import run
from tests.staff_pages import StaffPages

SLOT, NAME = "callback_birth_date", "birth_date"
WORDS = "third of Marchember 1961"
TALK, REFERENCE = "web:a", "K7M-3QX"
GIVEN = {fields.NAME: "Maria", fields.CONTACT: "+12125550142", fields.TIME: "mornings", fields.TOPIC: "cost", SLOT: WORDS}
SLOTS = {name: {"type": "any", "mappings": [{"type": "custom"}]} for name in (*fields.SLOTS, fields.REFERENCE)}
DOMAIN = Domain.from_dict({"intents": ["faq"], "slots": SLOTS})


async def ask(database):
    """Somebody gives everything, and confirms it."""
    store = TrackerStore(DOMAIN)
    store.database = database
    tracker = DialogueStateTracker(TALK, DOMAIN.slots)
    confirmed = [(fields.REFERENCE, REFERENCE), *((slot, None) for slot in fields.SLOTS)]
    for text, said, slots in ((WORDS, f"Born: {WORDS}", GIVEN.items()), ("send it", "Thank you.", confirmed)):
        current_turn.set(Turn(uuid.uuid4().hex))
        tracker.update(UserUttered(text, parse_data={"text": text, "intent": {"name": "form_answer"}}))
        tracker.update(BotUttered(said, metadata={"utter_action": "utter_ask_callback_send"}))
        for slot, value in slots:
            tracker.update(SlotSet(slot, value))
        tracker.update(ActionExecuted("action_listen"))
        await store.save(tracker)
    current_turn.set(None)


@pytest.fixture
def database(tmp_path):
    url = f"sqlite:///{tmp_path}/kept.db"
    migrate(url)
    made = Database(url)
    yield made
    made.engine.dispose()


def on_disk(folder):
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_it_is_asked_for_and_filled():
    assert SLOT in fields.SLOTS
    latest = {"text": f"  {WORDS} ", "form_answer": "words"}
    assert run(ValidateCallbackForm(), latest=latest, slots={"requested_slot": SLOT})[1] == [
        {"event": "slot", "timestamp": None, "name": SLOT, "value": WORDS}
    ]


async def test_it_is_sealed_in_the_request_stands_in_no_event_and_is_erased(database, tmp_path, monkeypatch):
    made = Settings(stored_words="encrypted", encryption_key=Fernet.generate_key().decode())
    monkeypatch.setattr(sealing, "settings", lambda: made)
    await ask(database)
    assert b"1961" not in on_disk(tmp_path)
    events = database.run_now(lambda connection: connection.execute(sa.select(tables.events.c.data)).scalars().all())
    stored = [sealing.unseal(data) for data in events]
    assert [event["event"] for event in stored if WORDS in str(event)] == ["user", "bot"]  # the talk itself
    exported = privacy.export(database, TALK)
    assert exported["requests"][0][NAME] == WORDS and f"birth date: {WORDS}" in privacy.as_text(exported)
    privacy.erase_now(database, TALK)
    assert not privacy.export(database, TALK)["requests"]


async def test_erased_is_erased(database, tmp_path):
    await ask(database)
    assert b"1961" in on_disk(tmp_path)
    privacy.erase_now(database, TALK)
    assert b"1961" not in on_disk(tmp_path)


async def test_redacted_events_do_not_hold_it(database, tmp_path, monkeypatch):
    monkeypatch.setattr(sealing, "settings", lambda: Settings(stored_words="redacted"))
    await ask(database)
    events = database.run_now(lambda connection: connection.execute(sa.select(tables.events.c.data)).scalars().all())
    assert "Born" not in str(events) and "[answer to the form]" in str(events)


async def test_the_front_desk_finds_it_nowhere_and_clinicians_where_they_need_it(tmp_path):
    with StaffPages(tmp_path) as pages:
        await ask(pages.database)
        desk, clinician = pages.signed_in("front_desk"), pages.signed_in("clinician")
        address, file, search = f"/staff/requests/{REFERENCE}", "/staff/requests.csv", "/staff/requests?search=1961"
        for page in (address, file, "/staff/requests", search):
            assert "1961" not in re.sub('value="1961"|search=1961', "", desk.get(page).text), page
        assert "Maria" in desk.get(address).text and "Birth" not in desk.get(file).text
        assert WORDS in clinician.get(address).text
        header, row = csv.reader(io.StringIO(clinician.get(file).text.lstrip("\ufeff"), newline=""))
        assert dict(zip(header, row))["Birth date"] == WORDS
        talk = conversations.opened(pages.run(conversations.sealed, TALK))
        shown = str(conversations.redacted(*talk))
        assert "1961" not in shown and "Born: [birth date]" in shown
