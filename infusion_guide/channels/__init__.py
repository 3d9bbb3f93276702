"""Input channels: ours (website, REST) and the messaging platforms, one file each."""

_OURS = {"web": "Website", "rest": "Other programs (REST)"}


def channel_title(name: str) -> str:
    """The channel `name` as staff read it."""
    if name in _OURS:
        return _OURS[name]
    from infusion_guide.channels.platforms import names, platform  # the web server's parts, only where a platform was used

    return platform(name).title if name in names() else name
