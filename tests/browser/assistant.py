"""The real assistant for the browser tests: one worker, as production runs it, on a SQLite file."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, List

from infusion_guide.engine.training import ensure_model
from infusion_guide.storage.database import migrate
from tests.faults.cluster import Worker, production

CLINIC_NAME = "Willow Creek Clinic"
CLINIC_PHONE = "555-123-4567"
MESSAGES_PER_MINUTE = 30  # of one visitor, as clinics have it


class Assistant:
    """with Assistant(folder, allowed_origins="http://127.0.0.1:20123") as assistant: ...

    `changes` are fields of Settings. It may be killed and started again: port, secret and database stay the same.
    """

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.database = folder / "conversations.db"
        chosen = production(
            clinic_name=CLINIC_NAME,
            clinic_phone=CLINIC_PHONE,
            database_url=f"sqlite:///{self.database}",
            **{"visitor_messages_per_minute": MESSAGES_PER_MINUTE, **changes},
        )
        self._worker = Worker(chosen, folder / "assistant.log", ensure_model())
        self.settings, self.url = self._worker.settings, self._worker.url

    def __enter__(self) -> "Assistant":
        try:
            migrate(self.settings.database_url)
            self.start()
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: Any) -> None:
        self._worker.stop()

    def start(self) -> None:
        """Starts the worker, unless it runs, and returns at once."""
        if not self._worker.alive:
            self._worker.start()

    def wait(self) -> None:
        """Returns when the worker answers patients."""
        self._worker.wait_for(f"{self.url}/ready")

    def kill(self) -> None:
        """Ends the worker at once, as a power cut does."""
        self._worker.kill()

    def freeze(self) -> None:
        """Suspends the worker: its port is open, nothing answers."""
        self._worker.freeze()

    def thaw(self) -> None:
        """Lets it go on."""
        self._worker.thaw()

    def rows(self, statement: str, *values: Any) -> List[Any]:
        """The rows of one SQL statement on the database file."""
        with closing(sqlite3.connect(self.database, timeout=10)) as connection:
            return connection.execute(statement, values).fetchall()

    def tables(self) -> List[str]:
        """Tables with something about a conversation in them."""
        names = self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [name for (name,) in names if any(row[1] == "sender_id" for row in self.rows(f"PRAGMA table_info({name})"))]

    def kept(self, conversation: str) -> List[str]:
        """Tables that hold rows of `conversation`."""
        return [name for name in self.tables() if self.rows(f"SELECT 1 FROM {name} WHERE sender_id = ? LIMIT 1", conversation)]

    def patient_said(self, conversation: str) -> List[str]:
        """The patient's words of a conversation, as stored, oldest first."""
        statement = "SELECT data FROM events WHERE sender_id = ? AND type_name = 'user' ORDER BY id"
        return [json.loads(data)["text"] for (data,) in self.rows(statement, conversation)]


def conversation_of(ticket: str) -> str:
    """Under which id the conversation of `ticket` is stored."""
    return f"web:{ticket.split('.')[0]}"
