"""`trunkline key …`: what programs show to get in."""

import sys
from typing import Annotated, Any, Literal

from trunkline.accounts import api_keys
from trunkline.accounts.api_keys import Key
from trunkline.commands.answers import Answer, table
from trunkline.commands.opening import installation, workspace
from trunkline.commands.user import AccountId, member_named
from trunkline.core.config import Settings
from trunkline.core.errors import NotFound, Refusal


async def create(
    settings: Settings,
    /,
    *,
    account: AccountId,
    user: Annotated[str, "Email of the member whose role the key has."],
    dialect: Annotated[Literal["platform", "developer", "rapidpro", "connector", "portal"], "The API it opens."],
    scopes: Annotated[str | None, "Scopes with commas between; without it, or with '*', all."] = None,
    rate_limit: Annotated[str | None, "N/second, N/minute or N/hour instead of the usual; off: no limits."] = None,
    name: Annotated[str, "What it is for."] = "",
    token: Annotated[str | None, "A RapidPro token that programs have already; - reads it from the input."] = None,
) -> Answer:
    """Make an API key; it is shown once."""
    given = sys.stdin.readline().strip() if token == "-" else token  # noqa: S105
    granted = [scope.strip() for scope in scopes.split(",") if scope.strip()] if scopes is not None else None
    async with workspace(settings, account) as (tx, _):
        member = await member_named(tx, user)
        secret, key = await api_keys.create(
            tx, member.id, dialect, scopes=granted, rate_limit=rate_limit, name=name, token=given
        )
    return Answer({"key": secret} | _document(key), f"{secret}\nKeep it now: it is not shown again.")


async def list_all(settings: Settings, *, account: AccountId) -> Answer:
    """List the living API keys of an account."""
    async with workspace(settings, account) as (tx, _):
        keys = await api_keys.listed(tx)
    rows = [(key.hint, key.dialect, ", ".join(key.scopes), key.rate_limit, key.name) for key in keys]
    text = table(("Key", "API", "Scopes", "Limit", "For"), rows, empty="No keys. Make one with `trunkline key create`.")
    return Answer([_document(key) for key in keys], text)


async def revoke(settings: Settings, key: Annotated[str, "The whole key."], /) -> Answer:
    """Make an API key useless at once."""
    async with installation(settings) as database, database.system() as tx:
        try:
            revoked = await api_keys.revoke_secret(tx, key)
        except NotFound:
            raise Refusal(
                "There is no such key. Give the whole key as it was shown when it was made.", code="not_found"
            ) from None
    return Answer({"revoked": revoked.hint} | _document(revoked), f"{revoked.hint} is refused from now on.")


def _document(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "uuid": key.uuid,
        "hint": key.hint,
        "dialect": key.dialect,
        "scopes": key.scopes,
        "rate_limit": key.rate_limit,
        "name": key.name,
    }
