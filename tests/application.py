"""One channel in a running application of its own, on loopback, without a model."""

from contextlib import asynccontextmanager

from sanic import Sanic

from infusion_guide.channels.channel import open_channels
from infusion_guide.clinic import identity
from infusion_guide.storage.turn import current_turn
from tests.ports import HOST, free_port


@asynccontextmanager
async def serving(channel, on_new_message, monkeypatch, agent=None):
    """The address of an application with `channel`, whose messages reach `on_new_message`; `agent` stands for Rasa's."""
    monkeypatch.setattr(identity, "secret", lambda: b"k" * 32)
    monkeypatch.setattr(Sanic, "test_mode", True)  # otherwise only the first application of a process starts
    port = free_port()
    app = Sanic(f"{channel.name}_{port}")  # Sanic knows each name once
    open_channels(app, [channel], on_new_message)
    app.ctx.ready = True  # this application has no model to load
    if agent is not None:
        app.ctx.agent = agent
    server = await app.create_server(host=HOST, port=port, return_asyncio_server=True, access_log=False)
    await server.startup()
    try:
        yield f"http://{HOST}:{port}"
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def application(channel, monkeypatch):
    """The address of `serving` and the list of what reached Rasa: (conversation, text, channel) each.

    The message "break" fails; every other one is answered with itself.
    """
    heard = []

    async def on_new_message(message):
        heard.append((message.sender_id, message.text, message.input_channel))
        if message.text == "break":
            raise RuntimeError
        await message.output_channel.send_response(message.sender_id, {"text": f"You said: {message.text}"})
        current_turn.get().stored = True

    async with serving(channel, on_new_message, monkeypatch) as url:
        yield url, heard
