"""API keys: what programs show. One key is one user in one account and one dialect, told once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from trunkline.accounts import audit, users
from trunkline.core import crypto, limits
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid, NotFound
from trunkline.core.ids import new_uuid

ALL = "*"

# The scopes of each dialect; a dialect without any has keys that may do everything.
SCOPES: dict[str, tuple[str, ...]] = {
    "platform": (
        "contacts", "conversations", "campaigns", "workflows", "knowledge-base", "ai", "analytics", "tags",
        "canned-responses",
    ),
    "developer": ("read", "visitor-ip"),
    "rapidpro": (),
    "connector": (),
    "portal": ("read", "write", "send"),
}  # fmt: skip

# Here a new key ends the user's old ones, as this dialect's users were told.
REPLACING = frozenset({"connector"})

# Clients of these may go on with the token that another server of the same API gave them.
TAKING_TOKENS = frozenset({"rapidpro"})


class Key(Struct, frozen=True):
    """`hint` is all that can be shown of the key later: its beginning and its last four characters."""

    id: int
    uuid: UUID
    user_id: int
    dialect: str
    name: str
    hint: str
    scopes: list[str]
    rate_limit: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


async def create(
    tx: Tx,
    user_id: int,
    dialect: str,
    *,
    scopes: Sequence[str] | None = None,
    rate_limit: str | None = None,
    name: str = "",
    expires_at: datetime | None = None,
    token: str | None = None,
) -> tuple[str, Key]:
    """The key itself, told once, and its record. Without `scopes` it may do whatever its role may.

    `rate_limit` like 60/minute replaces the dialect's general limit; `off` lifts all limits of the key. `token` is one
    that programs have from the server before.
    """
    if token is not None:
        _check_token(dialect, token)
    granted = _checked(dialect, scopes, rate_limit)
    member = await users.get(tx, user_id)
    if not member.active:
        raise Invalid({"user": ["This person is switched off."]})
    if dialect in REPLACING:
        await _revoke(tx, await tx.column(int, OF_USER, tx.account, user_id, dialect))
    secret, digest = (token, crypto.digest(token)) if token else crypto.new_key(dialect)
    hint = f"…{token[-4:]}" if token else f"trk_{dialect}_…{secret[-4:]}"
    rate = rate_limit.strip().lower() if rate_limit else None
    shown = "".join(filter(str.isprintable, name)).strip()[:128]
    key = await tx.maybe(
        Key, INSERT, tx.account, new_uuid(), user_id, dialect, shown, digest, hint, granted, rate, expires_at
    )
    if key is None:
        raise Invalid({"token": ["This token was given before."]})
    await audit.record(tx, "key.created", f"key:{key.id}", {"dialect": dialect, "scopes": granted, "hint": hint})
    return secret, key


async def listed(tx: Tx) -> list[Key]:
    """The keys of the account, the newest first; revoked ones are left out."""
    return await tx.fetch(Key, LIST, tx.account)


async def get(tx: Tx, id: int) -> Key:
    """A key of the account, revoked or not."""
    key = await tx.maybe(Key, BY_ID, tx.account, id)
    if key is None:
        raise NotFound("key", id)
    return key


async def revoke(tx: Tx, id: int) -> Key:
    """Every process refuses the key within a second of the commit. Doing it again changes nothing."""
    await _revoke(tx, [id])
    return await get(tx, id)


async def revoke_secret(tx: Tx, secret: str) -> Key:
    """Revoke by the key itself, whosever it is, in a system transaction."""
    rows = await tx.rows(OWNER, crypto.digest(secret))
    if not rows:
        raise NotFound("key")
    tx.account, id = rows[0]
    return await revoke(tx, id)


async def _revoke(tx: Tx, keys: list[int]) -> None:
    for id in await tx.column(int, REVOKE, tx.account, keys) if keys else []:
        await audit.record(tx, "key.revoked", f"key:{id}")


def _check_token(dialect: str, token: str) -> None:
    if dialect not in TAKING_TOKENS:
        raise Invalid({"token": [f"Only keys of {', '.join(sorted(TAKING_TOKENS))} may be tokens from elsewhere."]})
    if not crypto.is_token(token):
        raise Invalid({"token": ["The token must be 40 to 64 letters and digits."]})


def _checked(dialect: str, scopes: Sequence[str] | None, rate_limit: str | None) -> list[str]:
    problems: dict[str, list[str]] = {}
    if dialect not in SCOPES:
        raise Invalid({"dialect": [f"The dialect must be one of {', '.join(SCOPES)}."]})
    granted = list(dict.fromkeys(scopes)) if scopes is not None else [ALL]
    known = (*SCOPES[dialect], ALL)
    unknown = [scope for scope in granted if scope not in known]
    if unknown or not granted:
        named = f"Unknown scope {unknown[0]}. " if unknown else ""
        problems["scopes"] = [f"{named}The scopes of {dialect} are {', '.join(known)}."]
    try:
        if rate_limit:
            limits.parse("", rate_limit)
    except ValueError as error:
        problems["rate_limit"] = [str(error)]
    if problems:
        raise Invalid(problems)
    return [ALL] if ALL in granted else granted


_COLUMNS = """
    id, uuid, user_id, dialect, name, hint, scopes, rate_limit, created_at, last_used_at, expires_at,
    revoked_at
"""

INSERT = sql(f"""
    insert into api_keys
        (account_id, uuid, user_id, dialect, name, digest, hint, scopes, rate_limit, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (digest) do nothing returning {_COLUMNS}
""")

LIST = sql(f"select {_COLUMNS} from api_keys where account_id = $1 and revoked_at is null order by id desc")

BY_ID = sql(f"select {_COLUMNS} from api_keys where account_id = $1 and id = $2")

OF_USER = sql("""
    select id from api_keys where account_id = $1 and user_id = $2 and dialect = $3 and revoked_at is null
""")

OWNER = sql("select account_id, id from api_keys where digest = $1", system=True)

REVOKE = sql("""
    update api_keys set revoked_at = now() where account_id = $1 and id = any($2) and revoked_at is null
    returning id
""")
