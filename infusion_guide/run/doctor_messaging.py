"""The doctor's look at the messaging platforms: does each one know our token, and do we know its address?"""

import base64
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Tuple

from infusion_guide.clinic.settings import Settings

_SECONDS = 2.0  # for one platform


@dataclass(frozen=True)
class Platform:
    """A question that changes nothing and that only a good token is answered: address, headers, what a good answer holds."""

    name: str
    switched_on: Callable[[Settings], str]
    setting: str  # the one to mend
    url: Callable[[Settings], str]
    headers: Callable[[Settings], Dict[str, str]]
    good: Callable[[Any], bool]


def _bearer(token: str) -> Dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _basic(name: str, word: str) -> Dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()}


PLATFORMS: Tuple[Platform, ...] = (
    Platform(
        "Telegram",
        lambda s: s.telegram_token,
        "TELEGRAM_TOKEN",
        lambda s: f"{s.telegram_api}/bot{s.telegram_token}/getMe",
        lambda s: {},
        lambda found: found.get("ok") is True,
    ),
    Platform(
        "Slack",
        lambda s: s.slack_token,
        "SLACK_TOKEN",
        lambda s: f"{s.slack_api}/auth.test",
        lambda s: _bearer(s.slack_token),
        lambda found: found.get("ok") is True,
    ),
    Platform(
        "Messenger",
        lambda s: s.messenger_token,
        "MESSENGER_TOKEN",
        lambda s: f"{s.meta_api}/me",
        lambda s: _bearer(s.messenger_token),
        lambda found: "id" in found,
    ),
    Platform(
        "WhatsApp",
        lambda s: s.whatsapp_token,
        "WHATSAPP_TOKEN or WHATSAPP_NUMBER_ID",
        lambda s: f"{s.meta_api}/{s.whatsapp_number_id}",
        lambda s: _bearer(s.whatsapp_token),
        lambda found: "id" in found,
    ),
    Platform(
        "SMS",
        lambda s: s.twilio_token,
        "TWILIO_ACCOUNT or TWILIO_TOKEN",
        lambda s: f"{s.twilio_api}/2010-04-01/Accounts/{s.twilio_account}.json",
        lambda s: _basic(s.twilio_account, s.twilio_token),
        lambda found: found.get("status") == "active",
    ),
)


def problem(platform: Platform, chosen: Settings) -> Optional[str]:
    """What is wrong with a platform that is switched on, and what to do; None when it takes our token.

    Neither the address, which may hold a token, nor what the platform says is told.
    """
    asked = urllib.request.Request(platform.url(chosen), headers=platform.headers(chosen))
    try:
        with urllib.request.urlopen(asked, timeout=_SECONDS) as answer:
            found = json.loads(answer.read(100_000))
    except urllib.error.HTTPError as error:
        if error.code in (400, 401, 403, 404):
            return f"{platform.name} does not take {platform.setting} ({error.code}). Copy it again into .env"
        return f"{platform.name} answers {error.code}; try again later"
    except (urllib.error.URLError, OSError, ValueError) as error:
        return f"{platform.name} cannot be reached ({type(error).__name__}): does this machine reach the internet?"
    if not isinstance(found, dict) or not platform.good(found):
        return f"{platform.name} does not take {platform.setting}. Copy it again into .env"
    return None
