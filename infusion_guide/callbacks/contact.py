"""Phone numbers and e-mail addresses: found in what a patient wrote, checked, and written as people read them."""

import re
from typing import Iterable, Optional

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from infusion_guide.clinic.settings import settings

_DIGITS_OF_A_TRY = 4  # from so many digits on a text is meant as a number
_EMAIL_LIKE = re.compile(r"[^\s@<>,;:()]+@[^\s@<>,;:()]+")


def contact_in(text: str) -> Optional[str]:
    """The phone number (E.164, maybe " ext. 5") or e-mail address that `text` holds, checked and normalised; None without.

    Numbers without a country code are of CLINIC_COUNTRY (ITU-T E.164 through Google's libphonenumber; RFC 5321 and 6531
    through email-validator, which asks no server here).
    """
    for match in _EMAIL_LIKE.finditer(text):
        try:
            return str(validate_email(match.group().strip(".!?'\""), check_deliverability=False).normalized)
        except EmailNotValidError:
            continue
    for match in _numbers(text):
        if phonenumbers.is_valid_number(match.number):
            written = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            return f"{written} ext. {match.number.extension}" if match.number.extension else written
    return None


def tries_a_contact(text: str) -> bool:
    """Whether `text` is meant as a number or an address, though maybe none that can be used."""
    return bool(contact_in(text)) or "@" in text or len(re.sub(r"\D", "", text)) >= _DIGITS_OF_A_TRY


def without_contacts(text: str) -> str:
    """`text` without the numbers and addresses in it."""
    words = _EMAIL_LIKE.sub("", text)
    for match in _numbers(text):
        words = words.replace(match.raw_string, "")
    return words


def shown(contact: str) -> str:
    """`contact` as people of the clinic's country write it: (212) 555-0142."""
    if "@" in contact:
        return contact
    number, _, extension = contact.partition(" ext. ")
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return contact
    home = phonenumbers.region_code_for_number(parsed) == settings().clinic_country
    form = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    written = phonenumbers.format_number(parsed, form)
    return f"{written} ext. {extension}" if extension else written


def _numbers(text: str) -> Iterable[phonenumbers.PhoneNumberMatch]:
    return phonenumbers.PhoneNumberMatcher(text, settings().clinic_country, leniency=phonenumbers.Leniency.POSSIBLE)
