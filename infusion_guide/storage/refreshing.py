"""Looks at the database again and again for what other processes have written."""

import asyncio
import logging
from typing import Awaitable, Callable

from infusion_guide.storage.database import Database, DatabaseUnavailable

Refresh = Callable[[Database], Awaitable[None]]


async def forever(refresh: Refresh, database: Database, seconds: float, log: logging.Logger, words: str) -> None:
    """Calls `refresh` every `seconds` until the task is cancelled.

    A failure is logged once for each time that it goes wrong, as `words` and the reason; the task goes on.
    """
    failed = False
    while True:
        try:
            await refresh(database)
            failed = False
        except Exception as error:  # this task must never end
            if not failed:
                log.warning("%s: %s", words, error if isinstance(error, DatabaseUnavailable) else type(error).__name__)
            failed = True
        await asyncio.sleep(seconds)
