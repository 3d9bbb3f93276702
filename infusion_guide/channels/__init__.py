"""Input channels: one platform, one file."""

_TITLES = {
    "web": "Website",
    "rest": "Other programs (REST)",
    "telegram": "Telegram",
    "slack": "Slack",
    "messenger": "Messenger",
    "whatsapp": "WhatsApp",
    "sms": "Text messages",
}


def channel_title(name: str) -> str:
    """The channel `name` (credentials.yml) as staff read it."""
    return _TITLES.get(name, name)
