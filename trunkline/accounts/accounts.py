"""Accounts: the tenants. A workspace stands alone or below an agency, which is then its parent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from trunkline.accounts import audit, places
from trunkline.core import mailaddr
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.core.ids import new_uuid

Kind = Literal["workspace", "agency", "operator"]


class Account(Struct, frozen=True):
    """`settings` holds what was set; `settings.value` of the settings module knows the defaults."""

    id: int
    uuid: UUID
    kind: Kind
    parent_id: int | None
    name: str
    email: str | None
    timezone: str
    country: str | None
    languages: list[str]
    metered: bool
    suspended: bool
    settings: dict[str, Any]
    created_at: datetime
    deleted_at: datetime | None


async def create(
    tx: Tx,
    name: str,
    kind: str = "workspace",
    *,
    parent: UUID | None = None,
    email: str | None = None,
    timezone: str = "UTC",
    country: str | None = None,
    languages: Sequence[str] = ("eng",),
) -> Account:
    """A new tenant, in a system transaction. Below an agency it is metered, and known by its `email`."""
    details = _checked(name, kind, email, timezone, country, languages)
    above = await _agency(tx, parent, kind) if parent else None
    if above and not details.email:
        raise Invalid({"email": ["A sub-account needs an email address."]})
    account = await tx.maybe(
        Account,
        INSERT,
        new_uuid(),
        kind,
        above.id if above else None,
        details.name,
        details.email,
        details.timezone,
        details.country,
        details.languages,
        above is not None,
    )
    if account is None:
        raise Conflict("account_exists", "This agency already has a sub-account with this email address.")
    await audit.record(tx, "account.created", f"account:{account.id}", {"name": account.name}, account=account.id)
    return account


async def get(tx: Tx, id: int) -> Account:
    """A living account by its number, in a system transaction."""
    return _found(await tx.maybe(Account, BY_ID, id))


async def by_uuid(tx: Tx, uuid: UUID | str) -> Account:
    """A living account by its public id, in a system transaction."""
    try:
        wanted = UUID(str(uuid))
    except ValueError:
        raise NotFound("account", uuid) from None
    return _found(await tx.maybe(Account, BY_UUID, wanted))


async def listed(tx: Tx, after: int = 0, limit: int = 100) -> list[Account]:
    """The living accounts of the installation by number, in a system transaction."""
    return await tx.fetch(Account, LIST, after, limit)


async def current(tx: Tx) -> Account:
    """The account of the transaction."""
    return _found(await tx.maybe(Account, CURRENT, tx.account))


class _Details(Struct):
    name: str
    email: str | None
    timezone: str
    country: str | None
    languages: list[str]


def _checked(
    name: str, kind: str, email: str | None, timezone: str, country: str | None, languages: Sequence[str]
) -> _Details:
    problems: dict[str, list[str]] = {}

    def read(field: str, parse: Any, value: Any) -> Any:
        try:
            return parse(value) if value else None
        except ValueError as error:
            problems[field] = [str(error)]

    if kind not in ("workspace", "agency"):
        problems["kind"] = ["The kind must be workspace or agency."]
    details = _Details(
        read("name", check_name, name or " "),
        read("email", mailaddr.parse, email),
        read("timezone", places.timezone, timezone or "UTC"),
        read("country", places.country, country),
        read("languages", lambda codes: [places.language(code) for code in codes], languages or ("eng",)),
    )
    if problems:
        raise Invalid(problems)
    return details


def check_name(text: str) -> str:
    """The name without outer spaces; one line, 1 to 128 characters."""
    name = text.strip()
    if not 1 <= len(name) <= 128 or not name.isprintable():
        raise ValueError("The name must have 1 to 128 characters on one line.")
    return name


async def _agency(tx: Tx, parent: UUID, kind: str) -> Account:
    try:
        above = await by_uuid(tx, parent)
    except NotFound:
        above = None
    if above is None or above.kind != "agency":
        raise Invalid({"parent": ["The parent must be an agency."]})
    if kind != "workspace":
        raise Invalid({"kind": ["Only a workspace can stand below an agency."]})
    return above


def _found(account: Account | None) -> Account:
    if account is None:
        raise NotFound("account")
    return account


COLUMNS = """
    id, uuid, kind, parent_id, name, email, timezone, country, languages, metered, suspended, settings,
    created_at, deleted_at
"""

INSERT = sql(
    f"""
    insert into accounts (uuid, kind, parent_id, name, email, timezone, country, languages, metered)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    on conflict (parent_id, email) where deleted_at is null do nothing
    returning {COLUMNS}
    """,
    system=True,
)

BY_ID = sql(f"select {COLUMNS} from accounts where id = $1 and id > 0 and deleted_at is null", system=True)

BY_UUID = sql(f"select {COLUMNS} from accounts where uuid = $1 and id > 0 and deleted_at is null", system=True)

LIST = sql(
    f"select {COLUMNS} from accounts where id > $1 and deleted_at is null and id > 0 order by id limit $2",
    system=True,
)

CURRENT = sql(f"select {COLUMNS} from accounts where id = $1 and deleted_at is null")
