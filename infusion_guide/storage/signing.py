"""What signing leaves behind beside the signature: the words that were signed, comments to the author, named releases."""

import json
import time
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from infusion_guide.storage import accounts, reviews
from infusion_guide.storage.tables import releases, reply_comments, signed_words
from infusion_guide.storage.tables import reviews as signatures

LONGEST_COMMENT = 1000  # characters
TAKE_BACK = 600.0  # seconds in which a signature can be taken back by whoever gave it


class Taken(RuntimeError):
    """A release has that name already."""


@dataclass(frozen=True)
class Release:
    """The whole set of replies as somebody signed it; `replies`: the digest of each by its name."""

    name: str
    digest: str
    replies: Mapping[str, str]
    signed_by: str
    at: float


def sign(connection: Connection, name: str, digest: str, words: str, by: str) -> None:
    """The clinician `by` answers for the reply `name` in the words of `digest`, which patients read as `words`."""
    reviews.sign(connection, name, digest, by)
    if connection.execute(sa.select(signed_words.c.digest).where(signed_words.c.digest == digest)).first() is None:
        connection.execute(sa.insert(signed_words).values(digest=digest, words=words))
    accounts.note(connection, by, "signed a reply", name, digest[:12])


def take_back(connection: Connection, name: str, digest: str, by: str) -> bool:
    """Takes the signature back that `by` gave to those words in the last minutes; whether there was one."""
    own = (signatures.c.name == name, signatures.c.digest == digest, signatures.c.reviewed_by == by)
    recent = signatures.c.at >= time.time() - TAKE_BACK
    found = connection.execute(sa.delete(signatures).where(*own, recent)).rowcount
    if found:
        accounts.note(connection, by, "took a signature back", name, digest[:12])
    return bool(found)


def last_words(connection: Connection, name: str) -> Optional[Row]:
    """The newest signature under the reply `name` in any words: digest, reviewed_by, at, and `words` where they were kept."""
    kept = signatures.outerjoin(signed_words, signed_words.c.digest == signatures.c.digest)
    columns = (signatures.c.digest, signatures.c.reviewed_by, signatures.c.at, signed_words.c.words)
    chosen = sa.select(*columns).select_from(kept).where(signatures.c.name == name)
    return connection.execute(chosen.order_by(signatures.c.at.desc(), signatures.c.id.desc()).limit(1)).first()


# ---- Comments ----


def comment(connection: Connection, name: str, digest: str, words: str, by: str) -> None:
    """Keeps what `by` tells the author of a reply; the same once more is a double tap."""
    same = (reply_comments.c.name == name, reply_comments.c.words == words, reply_comments.c.settled.is_(None))
    if connection.execute(sa.select(reply_comments.c.id).where(*same)).first() is None:
        row = {"name": name, "digest": digest, "words": words, "staff": by, "at": time.time()}
        connection.execute(sa.insert(reply_comments).values(**row))
        accounts.note(connection, by, "commented on a reply", name)


def settle(connection: Connection, comment_id: int, by: str) -> Optional[str]:
    """Marks a comment as settled; the reply's name, None when there is none that is open."""
    mine = (reply_comments.c.id == comment_id, reply_comments.c.settled.is_(None))
    name = connection.execute(sa.select(reply_comments.c.name).where(*mine)).scalar()
    if name:
        connection.execute(sa.update(reply_comments).where(*mine).values(settled=time.time(), settled_by=by))
        accounts.note(connection, by, "settled a comment", name)
    return name


def open_comments(connection: Connection) -> Dict[str, List[Row]]:
    """The comments that nobody has settled, oldest first, by name of the reply."""
    found: Dict[str, List[Row]] = {}
    chosen = sa.select(reply_comments).where(reply_comments.c.settled.is_(None)).order_by(reply_comments.c.id)
    for row in connection.execute(chosen):
        found.setdefault(row.name, []).append(row)
    return found


# ---- Releases ----


def release(connection: Connection, name: str, digest: str, replies: Mapping[str, str], by: str) -> None:
    """Names the whole set of replies as it is signed. Raises Taken."""
    row = {"name": name, "digest": digest, "replies": json.dumps(replies, sort_keys=True), "signed_by": by, "at": time.time()}
    if connection.execute(sa.select(releases.c.id).where(releases.c.name == name)).first():
        raise Taken
    connection.execute(sa.insert(releases).values(**row))
    accounts.note(connection, by, "signed a release", name, digest[:16])


def all_releases(connection: Connection) -> List[Release]:
    """Every release, newest first."""
    rows = connection.execute(sa.select(releases).order_by(releases.c.id.desc()))
    return [Release(row.name, row.digest, json.loads(row.replies), row.signed_by, row.at) for row in rows]
