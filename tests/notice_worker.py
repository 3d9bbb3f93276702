"""A worker that tests/test_notices.py kills: `store` writes what a turn writes that confirms a request, `deliver` delivers."""

import asyncio
import sys
import time

from infusion_guide.callbacks.callback import Callback
from infusion_guide.clinic.settings import settings
from infusion_guide.delivery import notices, outbox
from infusion_guide.storage import callbacks
from infusion_guide.storage.database import Database


def store_request(connection, reference="K7M-2QX"):
    """A request and its notices, in the transaction of `connection`."""
    given = {"name": "Sam", "contact": "+15555550100"}
    callbacks.put(connection, Callback(reference, "web:a", "web", time.time(), given))
    outbox.put(connection, "web:a", outbox.notice("request", "web:a", reference))


if __name__ == "__main__":
    database = Database(settings().database_url)
    if sys.argv[1] == "store":
        database.run_now(store_request)
        print("stored", flush=True)
        time.sleep(60)
    else:
        notices.attach()
        asyncio.run(outbox.deliver_forever(database))
