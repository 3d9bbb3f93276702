"""What a turn leaves beside the conversation: a call-back request, a missed question, counts. Stored with it, once, or not."""

import uuid

import pytest
import sqlalchemy as sa
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from infusion_guide.callbacks import fields
from infusion_guide.callbacks.fields import COUNT, REFERENCE
from infusion_guide.clinic.settings import Settings
from infusion_guide.delivery import outbox as outbox_module
from infusion_guide.engine.tracker_store import TrackerStore
from infusion_guide.replies.reply import Reply
from infusion_guide.storage import callbacks, sealing
from infusion_guide.storage.counts import OUTCOMES, outcome_of
from infusion_guide.storage.database import Database, migrate
from infusion_guide.storage.feedback import Judgement, judge
from infusion_guide.storage.sealing import unseal
from infusion_guide.storage.tables import conversations, events, facts, misses, outbox, requests, turns
from infusion_guide.storage.turn import AlreadyAnswered, StaleTurn, Turn, current_turn

GIVEN = {fields.NAME: "Maria", fields.CONTACT: "+12125550142", fields.TIME: "mornings", fields.TOPIC: ""}
SLOTS = {name: {"type": "any", "mappings": [{"type": "custom"}]} for name in (*fields.SLOTS, REFERENCE, COUNT)}
DOMAIN = Domain.from_dict({"intents": ["faq"], "slots": SLOTS, "forms": {fields.FORM: {"required_slots": []}}})


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request, tmp_path, monkeypatch):
    """A store on each database, with a webhook to tell staff."""
    made = Settings(notice_webhook="http://127.0.0.1:9/never")
    monkeypatch.setattr(outbox_module, "settings", lambda: made)
    url = f"sqlite:///{tmp_path}/c.db" if request.param == "sqlite" else request.getfixturevalue("fresh_postgres").url
    migrate(url)
    store = TrackerStore(DOMAIN)
    store.database = Database(url)
    yield store
    current_turn.set(None)
    store.database.engine.dispose()


def rows(store, table):
    return store.database.run_now(lambda connection: connection.execute(sa.select(table).order_by(*table.primary_key)).fetchall())


async def say(store, text, names=("utter_callback_sent",), slots=(), message_id=None, parsed=None):
    """One turn of the conversation web:a that is answered with the replies `names` and sets `slots`; the tracker."""
    message_id = message_id or uuid.uuid4().hex
    current_turn.set(Turn(message_id, [Reply(name, "...") for name in names]))
    tracker = await store.retrieve("web:a") or DialogueStateTracker("web:a", DOMAIN.slots)
    parsed = {"intent": {"name": "faq", "confidence": 0.9}, **(parsed or {})}
    tracker.update(UserUttered(text, parse_data=parsed, input_channel="web", message_id=f"{message_id} 0f"))
    for name, value in slots:
        tracker.update(SlotSet(name, value))
    tracker.update(ActionExecuted("action_listen"))
    await store.save(tracker)
    return tracker


def confirmed(reference="K7M-3QX"):
    """What action_end_callback sets."""
    return [(REFERENCE, reference), (COUNT, 1), *((slot, None) for slot in fields.SLOTS)]


async def test_a_request_is_stored_with_the_turn_that_confirms_it(kept):
    await say(kept, "mornings", ["utter_ask_callback_send"], GIVEN.items())
    assert rows(kept, requests) == []
    await say(kept, "send it", slots=confirmed())
    (found,) = rows(kept, requests)
    assert (found.reference, found.sender_id, found.channel, found.status) == ("K7M-3QX", "web:a", "web", "new")
    assert callbacks.words(found.given) == {"name": "Maria", "contact": "+12125550142", "best_time": "mornings"}
    assert [row.key for row in rows(kept, outbox)] == ["request web:a K7M-3QX"]


async def test_a_double_tap_and_a_second_worker_make_no_second_request(kept):
    await say(kept, "mornings", ["utter_ask_callback_send"], GIVEN.items())
    current_turn.set(None)
    stale = await kept.retrieve("web:a")  # a second worker has read the conversation, too
    await say(kept, "send it", slots=confirmed(), message_id="tap")
    with pytest.raises(AlreadyAnswered):
        await say(kept, "send it", slots=confirmed("B3C-4DF"), message_id="tap")
    current_turn.set(Turn("tap 2", []))
    stale.update(UserUttered("send it"))
    for name, value in confirmed("B3C-4DF"):
        stale.update(SlotSet(name, value))
    with pytest.raises(StaleTurn):
        await kept.save(stale)
    assert [row.reference for row in rows(kept, requests)] == ["K7M-3QX"]
    assert len(rows(kept, outbox)) == 1


async def test_what_was_given_survives_a_restart_and_stands_in_no_event(kept):
    tracker = await say(kept, "212-555-0142", ["utter_ask_callback_time"], GIVEN.items())
    tracker.update(ActiveLoop(fields.FORM))
    current_turn.set(None)
    await kept.save(tracker)
    again = TrackerStore(DOMAIN)
    again.database = kept.database
    read = await again.retrieve("web:a")
    assert {slot: read.get_slot(slot) for slot in GIVEN} == GIVEN and read.active_loop_name == fields.FORM
    stored = [unseal(row.data) for row in rows(kept, events)]
    assert not any(event.get("name") in GIVEN for event in stored)
    await say(kept, "never mind", ["utter_callback_left"], [(slot, None) for slot in fields.SLOTS])
    assert "Maria" not in rows(kept, conversations)[0].state


@pytest.mark.parametrize(
    "names, outcome",
    [
        (["utter_faq/cravings"], "answered"),
        (["utter_uncovered/cost"], "uncovered"),
        (["utter_advice/dosing"], "declined"),
        (["utter_misuse/obtain"], "declined"),
        (["utter_fallback_choices"], "missed"),
        (["utter_fallback_empty"], "other"),
        (["utter_chitchat/greet"], "other"),
        (["utter_uncovered/cost", "utter_faq/ptsd"], "uncovered"),
        (["utter_check_in_ok", "utter_crisis/suicide"], "crisis"),
        (["utter_crisis/check_in"], "check_in"),
        ([], "other"),
    ],
)
def test_outcome_of_a_turn(names, outcome):
    assert outcome_of(names) == outcome in OUTCOMES


async def test_turns_are_counted_without_a_person(kept):
    await say(kept, "does it help with cravings", ["utter_faq/cravings"])
    await say(kept, "how much", ["utter_uncovered/cost"])
    counted = [(row.channel, row.what, row.name, row.count) for row in rows(kept, facts)]
    assert counted == [
        ("web", "conversation", None, 1),
        ("web", "turn", "answered", 1),
        ("web", "language", "en", 1),
        ("web", "reply", "utter_faq/cravings", 1),
        ("web", "turn", "uncovered", 1),
        ("web", "language", "en", 1),
        ("web", "reply", "utter_uncovered/cost", 1),
    ]
    assert all(row.hour % 3600 == 0 for row in rows(kept, facts))


async def test_missed_questions_are_kept_for_staff(kept):
    await say(kept, "does it fix a broken heart", ["utter_fallback_rephrase"], parsed={"intent_ranking": [{"name": "faq"}]})
    unsure = {
        "intent": {"name": "uncovered", "confidence": 0.31},
        "intent_ranking": [{"name": "uncovered"}],
        "response_selector": {"uncovered": {"response": {"intent_response_key": "uncovered/cost"}}},
    }
    await say(kept, "whats the damage", ["utter_uncovered/cost"], parsed=unsure)
    await say(kept, "does it help with ptsd", ["utter_faq/ptsd"])
    await say(kept, "", ["utter_fallback_empty"])
    found = [(row.reason, row.said, row.label, unseal(row.words)) for row in rows(kept, misses)]
    assert found == [
        ("fallback", "utter_fallback_rephrase", "faq", "does it fix a broken heart"),
        ("low_confidence", "utter_uncovered/cost", "uncovered/cost", "whats the damage"),
    ]


async def test_a_thumb_is_counted_once_and_a_thumb_down_is_looked_at(kept):
    await say(kept, "does it help with ptsd", ["utter_faq/ptsd"], message_id="m")

    def thumb(value):
        judgement = Judgement("web:a", "m", 0, value)
        kept.database.run_now(lambda connection: judge(connection, judgement))
        sums = {}
        for row in rows(kept, facts):
            if row.what in ("up", "down"):
                sums[row.what] = sums.get(row.what, 0) + row.count
        return sums, [(row.reason, unseal(row.words)) for row in rows(kept, misses)]

    assert thumb("up") == ({"up": 1}, [])
    assert thumb("down") == ({"up": 0, "down": 1}, [("thumbs_down", "does it help with ptsd")])
    assert thumb("down") == ({"up": 0, "down": 1}, [("thumbs_down", "does it help with ptsd")])
    assert thumb(None) == ({"up": 0, "down": 0}, [])


async def test_a_crisis_marks_its_conversation(kept):
    await say(kept, "hello", ["utter_chitchat/greet"])
    assert rows(kept, conversations)[0].crisis is None
    await say(kept, "i want to die", ["utter_crisis/suicide"])
    await say(kept, "thanks", ["utter_chitchat/thanks"])
    assert rows(kept, conversations)[0].crisis is not None


async def test_redacted_words_hold_no_name_and_no_number(kept, monkeypatch):
    made = Settings(stored_words="redacted")
    monkeypatch.setattr(sealing, "settings", lambda: made)
    answer = {"form_answer": "words", "intent": {"name": "form_answer"}}
    await say(kept, "joy", ["utter_ask_callback_send"], GIVEN.items(), parsed=answer)
    stored = "".join(row.data for row in rows(kept, events)) + rows(kept, turns)[0].replies
    assert "joy" not in stored and "[answer to the form]" in stored
