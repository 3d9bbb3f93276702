"""What tells who a patient is goes; what tells what the patient needs stays."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from infusion_guide.text.redaction import redact, redact_event

SHAPES = [
    "({a}) {b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "{a} {b} {c}", "{a}{b}{c}", "1-{a}-{b}-{c}", "1 {a} {b} {c}",
    "+1{a}{b}{c}", "+1 ({a}) {b} {c}", "({a}){b}-{c}", "{a}/{b}-{c}", "{a}\u2013{b}\u2013{c}", "{a}-{b}-{c} ext. 12",
]  # fmt: skip

GONE = [
    ("write to jo.sample+x@example.org please", ["jo.sample", "example.org"], "[email]"),
    ("it is jo at example dot com", ["example"], "[email]"),
    ("call 555-0142 after five", ["0142"], "[phone]"),
    ("text me at 555 0142", ["0142"], "[phone]"),
    ("+44 20 7946 0958", ["7946"], "[phone]"),
    ("five five five oh one four two", ["five"], "[phone]"),
    ("\uff15\uff15\uff15-\uff10\uff11\uff10-\uff10\uff11\uff19\uff19", ["\uff19", "99"], "[phone]"),
    ("my number is 555\u200b0100199", ["0199"], "[phone]"),
    ("ssn 078-05-1120", ["1120"], "[number]"),
    ("card 4111 1111 1111 1111 exp soon", ["4111", "1111"], "[number]"),
    ("MRN: 44812", ["44812"], "[number]"),
    ("my member id is XYZ44812", ["44812"], "[number]"),
    ("patient number 004481299", ["44812"], "[number]"),
    ("zip code 99999", ["99999"], "[number]"),
    ("dob 03/04/1961", ["1961"], "[date]"),
    ("born on March 4th, 1961", ["March", "1961"], "[date]"),
    ("born 4 March", ["March"], "[date]"),
    ("1961-03-04", ["1961"], "[date]"),
    ("i live at 12 sample st", ["sample"], "[address]"),
    ("99 North Sample Street, Apt 4B, Springfield, WA 99999", ["Sample", "4B", "Springfield", "99999"], "[address]"),
    ("the house at 12 Sample Drive is mine", ["Sample"], "[address]"),
    ("P.O. Box 1234", ["1234"], "[address]"),
    ("https://example.org/portal/u/81723?x=1", ["81723"], "[link]"),
    ("see portal.example.org/me/77", ["77"], "[link]"),
    ("dm me @jo_sample", ["jo_sample"], "[handle]"),
    ("i am 93 years old", ["93"], "[age]"),
    ("my mother turned 101", ["101"], "[age]"),
    ("my name is maria sample and i am sad. bye, maria", ["maria", "sample"], "[name]"),
    ("Hi, I'm Jordan Sample", ["Jordan", "Sample"], "[name]"),
    ("this is Maria calling", ["Maria"], "[name]"),
    ("MY NAME IS MARIA SAMPLE", ["MARIA", "SAMPLE"], "[name]"),
    ("me llamo maria", ["maria"], "[name]"),
    ("my wife Ann Whitfield is bipolar", ["Ann", "Whitfield"], "[name]"),
    ("Dr. Whitfield told me so", ["Whitfield"], "[name]"),
]

STAYS = [
    "i called 988 and 911",
    "is 40 mg or 0.5 mg/kg too much?",
    "100-200 mg, 400-1200 mg, 500-1000mg",
    "i am 72 years old and weigh 190 pounds",
    "i am 95 kg",
    "3 to 5 infusions over 2-3 weeks",
    "it costs $400-1200, or $1,500",
    "open 24/7 from 9 to 17:30?",
    "in 2019-2023 i was sober",
    "my appointment is on march 4",
    "can i take 40 mg and drive",
    "a 40 minute drive on the road",
    "my name is not important",
    "i am very sad and tired",
    "i take zoloft, ketamine and lithium 300",
    "does ketamine help with ptsd?",
    "what if i miss 1 of 6 sessions",
]


@pytest.mark.parametrize("text, secrets, placeholder", GONE)
def test_who_it_is_goes(text, secrets, placeholder):
    found = redact(text)
    assert placeholder in found
    assert not [secret for secret in secrets if secret.lower() in found.lower()]


@pytest.mark.parametrize("text", STAYS)
def test_what_it_is_about_stays(text):
    assert redact(text) == text


three, four = st.from_regex(r"[2-9][0-9]{2}", fullmatch=True), st.from_regex(r"[0-9]{4}", fullmatch=True)
around = st.sampled_from(["", "call me: ", "i am sad ", "please (", "my cell is ", "phone "])


@given(st.sampled_from(SHAPES), three, three, four, around, st.sampled_from(["", " thanks", ", or later", ")", "!"]))
@examples(max_examples=150, deadline=None)
def test_phone_numbers_go_in_every_shape(shape, a, b, c, before, after):
    found = redact(before + shape.format(a=a, b=b, c=c) + after)
    assert "[phone]" in found and b + c not in found and f"{b}-{c}" not in found and c not in found


@given(st.integers(1, 2000), st.sampled_from(["mg", "mcg", "ml", "mg/kg", "weeks", "years", "sessions", "days", "hours"]))
@examples(max_examples=80, deadline=None)
def test_amounts_stay(number, unit):
    assert redact(f"is {number} {unit} ok") == f"is {number} {unit} ok"


@given(st.integers(1, 89))
@examples(max_examples=30, deadline=None)
def test_ages_under_ninety_stay(age):
    assert redact(f"i am {age} years old") == f"i am {age} years old"


@given(st.text(max_size=300))
@examples(max_examples=100, deadline=None)
def test_any_text_can_be_redacted(text):
    assert isinstance(redact(text), str)


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "a.", "five ", "(1", "a@", "12 Oak ", "x", "1-", "my name is ", "www.", "at dot ", "+1"]
)
def test_a_message_made_to_be_slow_is_not(piece):
    redact("load the model first")
    text = (piece * 10_000)[:10_000]
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 2.0  # usually 0.2; a pattern that backtracks needs 5 and more


def test_every_copy_in_an_event_goes():
    event = {
        "event": "user",
        "timestamp": 1.0,
        "text": "My name is Maria Sample,  555-010-0199",
        "message_id": "5550100199",
        "input_channel": "web",
        "metadata": {"first": "Maria Sample"},
        "parse_data": {
            "text": "My name is Maria Sample, 555-010-0199",
            "intent": {"name": "faq", "confidence": 0.9},
            "entities": [
                {"entity": "name", "value": "maria", "start": 11, "end": 16},
                {"entity": "phone", "value": "555-010-0199"},
            ],
            "parts": ["My name is Maria Sample", "555-010-0199"],
            "response_selector": {"faq": {"response": {"intent_response_key": "faq/ptsd"}}},
        },
    }
    redacted = redact_event(event)
    assert redacted["text"] == redacted["parse_data"]["text"] == "My name is [name], [phone]"
    written = json.dumps({**redacted, "message_id": ""}).lower()
    assert "maria" not in written and "sample" not in written and "0199" not in written
    for kept in ("event", "timestamp", "message_id", "input_channel"):
        assert redacted[kept] == event[kept]
    for kept in ("intent", "response_selector"):
        assert redacted["parse_data"][kept] == event["parse_data"][kept]
    assert event["text"].startswith("My name is Maria")  # the event in use is not touched


def test_an_event_without_words():
    assert redact_event({"event": "user", "text": None, "parse_data": {}}) == {"event": "user", "text": None, "parse_data": {}}


# ATTACKS.md 12: planted items that STORED_WORDS=redacted left. All invented; each with what must not stay.
PLANTED = {
    "es": [
        ("soy eustaquio barrientos y tengo una pregunta", "eustaquio barrientos"),
        ("hola, soy Hermenegilda y me siento mal", "Hermenegilda"),
        ("mi hermana Hermenegilda toma ketamina", "Hermenegilda"),
        ("mi esposo eustaquio barrientos bebe mucho", "eustaquio barrientos"),
        ("me llamo lupita y bebo cada noche", "lupita"),
        ("el doctor Barrientos me dijo que no", "Barrientos"),
        ("la señora Quistgaard de recepción", "Quistgaard"),
        ("ayer hablé con Eustaquio y con su madre", "Eustaquio"),
        ("vivo en Tlaquepaque con mi madre", "Tlaquepaque"),
        ("mi teléfono es 6 11 22 33 44", "11 22 33"),
        ("llámeme al 55 1234 8765", "1234 8765"),
        ("mi número es 611 22 33 44", "22 33 44"),
        ("mi celular: 5512348765", "5512348765"),
        ("cinco cinco uno dos tres cuatro ocho siete", "cuatro ocho"),
        ("vivo en Avenida Insurgentes 1602", "Insurgentes 1602"),
        ("mi casa: calle insurgentes sur 1602, piso 3", "1602"),
        ("estoy en la calle Benito Sample, número 12", "Sample"),
        ("vivo en la colonia Jardines del Sample", "Jardines"),
        ("nací el 12 de marzo de 1984", "12 de marzo"),
        ("12 de marzo de 1984", "1984"),
        ("mi fecha de nacimiento es 12/03/1984", "1984"),
        ("mi cumpleaños es el 3 de mayo", "3 de mayo"),
        ("mi curp es XEXX840312HDFRRS09", "840312"),
        ("mi dni: 12345678Z", "12345678"),
        ("nie X1234567L", "X1234567"),
        ("número de expediente 44812", "44812"),
        ("póliza A-448121", "448121"),
        ("código postal 06700", "06700"),
        ("mi hija va al Colegio Sample del Valle", "Sample"),
        ("estudio en la Universidad Brightwater", "Brightwater"),
        ("mi usuario es rio_triste88", "rio_triste88"),
    ],
    "en": [
        ("wilhelmina here, is it safe", "wilhelmina"),
        ("hi, wilhelmina quistgaard here", "wilhelmina quistgaard"),
        ("i am wilhelmina and i am scared", "wilhelmina"),
        ("my husband eustaquio barrientos relapsed", "barrientos"),
        ("my son Quistgaard, he is 12", "Quistgaard"),
        ("it's guadalupe barrientos again", "guadalupe barrientos"),
        ("my kid goes to Brightwater Elementary", "Brightwater"),
        ("my kid goes to brightwater elementary", "brightwater"),
        ("she is a nurse at Sample Valley High School", "Valley"),
        ("i teach at quistgaard academy", "quistgaard"),
        ("my instagram is wilhelmina.q", "wilhelmina"),
        ("find me on insta as sad_river88", "sad_river88"),
        ("my snapchat name is quistgaardw", "quistgaardw"),
        ("ig: sadriver", "sadriver"),
        ("medicare number 1EG4-TE5-MK73", "MK73"),
        ("my medicare is 1eg4te5mk73", "1eg4te5"),
        ("medicaid id AB12345C", "AB12345"),
        ("my insurance number is QX-448129", "448129"),
    ],
}


def left(language):
    """The planted items of which something stays."""
    return [said for said, secret in PLANTED[language] if any(word.lower() in redact(said).lower() for word in secret.split())]


@pytest.mark.parametrize("language", PLANTED)
def test_attack_12_planted_items_go(language):
    """Before: of 18 of 31 in Spanish and 16 of 18 in English something stayed."""
    assert left(language) == []


@pytest.mark.parametrize(
    "text",
    [
        "soy una persona muy ansiosa y tengo miedo",
        "soy adicta, ¿me puede ayudar la ketamina?",
        "mi hermana está en crisis y no come",
        "mi mamá toma sertralina desde marzo",
        "tengo cita el 4 de marzo",
        "son 3 o 4 sesiones en 2 semanas",
        "pesa 70 kg y toma 40 mg de ketamina",
        "¿cuesta 400 o 1200 dólares?",
        "my sister is drinking again",
        "i am here and i am scared",
        "this is not working for me",
        "it's been 10 20 or 30 days",
        "i was in high school when it began",
        "instagram is bad for my mood",
        "my mother in law drinks",
        "is it on medicare or medicaid",
    ],
)
def test_what_reads_like_them_stays(text):
    assert redact(text) == text
