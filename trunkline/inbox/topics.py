"""Topics: what tickets are about. General is always there."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Forbidden, Invalid, NotFound
from trunkline.core.ids import new_uuid
from trunkline.core.text import clean

DEFAULT = "General"
MAX_LENGTH = 64
MAX_TOPICS = 50
"""Beside General."""


class Topic(Struct, frozen=True):
    id: int
    uuid: UUID
    name: str
    created_at: datetime

    @property
    def is_default(self) -> bool:
        return self.name.casefold() == DEFAULT.casefold()


async def default(tx: Tx) -> Topic:
    """General, made when it is first asked for."""
    topic = await tx.maybe(Topic, BY_NAME, tx.account, DEFAULT.casefold())
    return topic or await tx.one(Topic, PUT, tx.account, new_uuid(), DEFAULT, DEFAULT.casefold())


async def all_of(tx: Tx) -> list[Topic]:
    """All, the newest first; General among them."""
    await default(tx)
    return await tx.fetch(Topic, ALL, tx.account)


async def by_uuid(tx: Tx, uuid: UUID) -> Topic:
    topic = await tx.maybe(Topic, BY_UUID, tx.account, uuid)
    if topic is None:
        raise NotFound("topic", uuid)
    return topic


async def create(tx: Tx, name: str) -> Topic:
    name = _checked(name)
    if sum(not topic.is_default for topic in await all_of(tx)) >= MAX_TOPICS:
        raise Conflict("topic_limit", f"This workspace has reached its limit of {MAX_TOPICS} topics.")
    topic = await tx.maybe(Topic, INSERT, tx.account, new_uuid(), name, name.casefold())
    if topic is None:
        raise _taken()
    return topic


async def rename(tx: Tx, topic: Topic, name: str) -> Topic:
    """Give it another name; General keeps its own."""
    if topic.is_default:
        raise Forbidden("The default topic cannot be changed.")
    name = _checked(name)
    if await tx.value(int, OTHER, tx.account, topic.id, name.casefold()):
        raise _taken()
    renamed = await tx.maybe(Topic, RENAME, tx.account, topic.id, name, name.casefold())
    if renamed is None:
        raise NotFound("topic", topic.uuid)
    return renamed


async def counts(tx: Tx) -> dict[int, dict[str, int]]:
    """How many tickets each topic has, by their status; what is left out has none."""
    found: dict[int, dict[str, int]] = {}
    for name, value in await tx.rows(COUNTS, tx.account):
        _, topic, status = name.split(":")
        found.setdefault(int(topic), {})[status] = int(value)
    return found


def _checked(name: str) -> str:
    name = clean(name).strip()
    if not name:
        raise Invalid({"name": ["The name field is required."]})
    if len(name) > MAX_LENGTH:
        raise Invalid({"name": [f"The name field must not be greater than {MAX_LENGTH} characters."]})
    return name


def _taken() -> Invalid:
    return Invalid({"name": ["The name has already been taken."]})


_COLUMNS = "id, uuid, name, created_at"

BY_NAME = sql(f"select {_COLUMNS} from topics where account_id = $1 and name_key = $2")

# The update changes nothing; it is what makes the row come back when somebody else has just made it.
PUT = sql(f"""
    insert into topics (account_id, uuid, name, name_key) values ($1, $2, $3, $4)
    on conflict (account_id, name_key) do update set name = excluded.name
    returning {_COLUMNS}
""")

ALL = sql(f"select {_COLUMNS} from topics where account_id = $1 order by id desc")

BY_UUID = sql(f"select {_COLUMNS} from topics where account_id = $1 and uuid = $2")

INSERT = sql(f"""
    insert into topics (account_id, uuid, name, name_key) values ($1, $2, $3, $4)
    on conflict (account_id, name_key) do nothing returning {_COLUMNS}
""")

OTHER = sql("select id from topics where account_id = $1 and id <> $2 and name_key = $3")

RENAME = sql(f"update topics set name = $3, name_key = $4 where account_id = $1 and id = $2 returning {_COLUMNS}")

COUNTS = sql("""
    select t.name, sum(t.value) from topics p cross join lateral (values ('open'), ('closed')) as s (status)
    join tallies t on t.account_id = $1 and t.name = 'tickets:' || p.id || ':' || s.status
    where p.account_id = $1 group by t.name
""")
