"""PostgreSQL's own log never holds a patient's words.

The driver writes values into its statements. What PostgreSQL logs of a statement that failed, was cancelled or was slow
would be a name, a number and "I relapsed". Only an administrator of the server may change that, for a role:
`python -m infusion_guide.storage.server_log` prints what to run. Where our role may do it (the image of deploy/compose.yml
makes one that may), each connection does it for itself.
"""

import logging
import sys
from typing import Any, List

from sqlalchemy.engine.url import make_url

from infusion_guide.clinic.settings import settings

logger = logging.getLogger(__name__)

# What each parameter would write otherwise: the statement of an error; the row or the waiting statements that an error is
# about (DETAIL); every statement; slow ones; some of them; all of some transactions; the statement of a process that crashed.
QUIET = {
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "track_activities": "off",
}
_GRANTED = 150000  # since PostgreSQL 15 others than superusers may be allowed to

_told: set = set()  # roles that were complained about by this process


def loud(cursor: Any) -> List[str]:
    """The parameters of QUIET that are not as they should be in the connection of a psycopg2 `cursor`."""
    cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(QUIET)])
    return [name for name, value in sorted(cursor.fetchall()) if value != QUIET[name]]


def hush(connection: Any, _: Any = None) -> None:
    """Silences a new psycopg2 connection as far as its role may; says once in our log what is left to the administrator."""
    with connection.cursor() as cursor:
        left = loud(cursor)
        if left and _may(cursor, left, connection.server_version):
            for name in left:
                cursor.execute(f"SET {name} = '{QUIET[name]}'")
            left = []
        role = connection.info.user
    connection.commit()  # or the pool's rollback would take it back
    if left and role not in _told:
        _told.add(role)
        logger.warning(
            "PostgreSQL may write patients' words into its own log (%s). Its administrator runs once what "
            "`python -m infusion_guide.storage.server_log` prints.",
            ", ".join(left),
        )


def _may(cursor: Any, names: List[str], version: int) -> bool:
    if version < _GRANTED:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
    else:
        cursor.execute("SELECT bool_and(has_parameter_privilege(name, 'SET')) FROM unnest(%s) AS name", [names])
    return bool(cursor.fetchone()[0])


def statements(role: str) -> str:
    """What an administrator of PostgreSQL runs for `role`; it holds for every new connection of the role."""
    name = role.replace('"', '""')
    return "\n".join(f"ALTER ROLE \"{name}\" SET {parameter} = '{value}';" for parameter, value in QUIET.items())


def main() -> int:
    """Prints `statements` for the role of DATABASE_URL; 1 where it is not PostgreSQL."""
    url = make_url(settings().database_url)
    if url.get_backend_name() != "postgresql" or not url.username:
        print("DATABASE_URL names no role of PostgreSQL: there is nothing to do.", file=sys.stderr)
        return 1
    print(statements(url.username))
    return 0


if __name__ == "__main__":
    sys.exit(main())
