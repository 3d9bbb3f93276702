"""Our channels as Rasa starts them: credentials.yml names this one, and it opens them all."""

from typing import Any, Dict, List, Optional

from rasa.core.channels.channel import InputChannel
from sanic import Blueprint, Sanic

from infusion_guide.channels.channel import Channel, open_channels
from infusion_guide.channels.door import OnNewMessage
from infusion_guide.channels.messaging import MessagingChannel
from infusion_guide.channels.platforms import platforms
from infusion_guide.channels.rest import RestChannel
from infusion_guide.channels.web import WebChannel


def all_channels() -> List[Channel]:
    """Ours, and every platform: one that is off says so."""
    return [WebChannel(), RestChannel(), *map(MessagingChannel, platforms())]


class AllChannels(InputChannel):
    """No channel can be left out, and a new platform needs no line of Rasa's."""

    @classmethod
    def name(cls) -> str:
        """See parent."""
        return "infusion_guide"

    @classmethod
    def from_credentials(cls, credentials: Optional[Dict[str, Any]]) -> "AllChannels":
        """See parent."""
        return cls()

    def blueprint(self, on_new_message: OnNewMessage) -> Blueprint:
        """See parent."""
        return _AllRoutes(on_new_message)


class _AllRoutes(Blueprint):
    def __init__(self, on_new_message: OnNewMessage) -> None:
        super().__init__("infusion_guide")
        self.ctx.on_new_message = on_new_message

    def register(self, app: Sanic, options: Dict[str, Any]) -> None:
        """See parent. The prefix that Rasa gives is for one channel; each of ours has its own."""
        open_channels(app, all_channels(), self.ctx.on_new_message)
