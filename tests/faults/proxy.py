"""A bad network: a TCP proxy on loopback that delays what passes, holds it back, or cuts connections."""

import asyncio
import threading
from contextlib import suppress
from typing import Set

from tools.bench.local_servers import HOST, free_port


class Proxy:
    """Passes connections of its own `port` on to `target`, in a thread of its own.

    `delay`: seconds that each piece of data takes in each direction. hold(): nothing passes until let_go().
    cut(): all present connections end at once.
    """

    def __init__(self, target: int) -> None:
        self.port, self.delay = free_port(), 0.0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._open: asyncio.Event
        self._writers: Set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()

    def __enter__(self) -> "Proxy":
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("The proxy did not start.")
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def hold(self) -> None:
        """Connections stay, nothing passes."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def let_go(self) -> None:
        """What was held back passes."""
        self._loop.call_soon_threadsafe(self._open.set)

    def cut(self) -> None:
        """Ends all present connections; new ones pass."""

        def abort() -> None:
            for writer in self._writers:
                writer.transport.abort()

        self._loop.call_soon_threadsafe(abort)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.run_forever()

    async def _serve(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        await asyncio.start_server(self._connected, HOST, self.port)
        self._ready.set()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            other_reader, other_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(other_writer)
        await asyncio.gather(self._pass(reader, other_writer), self._pass(other_reader, writer))
        self._writers -= {writer, other_writer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await asyncio.sleep(self.delay)
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
