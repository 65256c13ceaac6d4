"""Hooks: the address of a workflow, where programs and forms set it going without a key of ours."""

import contextlib
import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.accounts import accounts
from trunkline.contacts import people, urns
from trunkline.core import idempotency
from trunkline.core.db import Database, Tx, sql
from trunkline.core.errors import Conflict, Invalid, NotFound, TooLarge
from trunkline.core.idempotency import Stored
from trunkline.core.urns import Urn
from trunkline.workflows import context
from trunkline.workflows.events import WorkflowCalled

TOKEN = re.compile(r"[0-9A-Za-z]{40}")
LONGEST_KEY = 255
ACCEPTED = 202


class Target(Struct, frozen=True):
    account_id: int
    id: int
    status: str


async def find(database: Database, token: str) -> Target:
    """Whose address it is; raises `NotFound` for any other."""
    async with database.system() as tx:
        target = await tx.maybe(Target, FIND, token) if TOKEN.fullmatch(token) else None
    if target is None:
        raise NotFound("workflow")
    return target


async def call(database: Database, target: Target, payload: dict[str, Any], repeat: str | None = None) -> None:
    """Take a call. One that carries the key of an earlier one within a day does nothing again."""
    if repeat is not None and not 1 <= len(repeat) <= LONGEST_KEY:
        raise Invalid(message=f"An idempotency key has 1 to {LONGEST_KEY} characters.", code="idempotency_key_invalid")
    if target.status != "active":
        raise Conflict("workflow_not_active", "The workflow is not active.")
    if context.kept(payload) is None:
        raise TooLarge(f"A call carries at most {context.LARGEST} bytes, and no NUL characters.")
    async with database.tx(target.account_id, "system", "hook") as tx:
        if repeat is not None and await _is_repeat(tx, target, payload, repeat):
            return
        contact_id = await _contact(tx, payload)
        tx.record(WorkflowCalled(target.id, contact_id, payload))


async def _is_repeat(tx: Tx, target: Target, payload: dict[str, Any], key: str) -> bool:
    route, digest = f"hook:{target.id}", hashlib.sha256(msgspec.json.encode(payload)).digest()
    if await idempotency.claim(tx, route, key, digest) is not None:
        return True
    await idempotency.keep(tx, route, key, Stored(digest, ACCEPTED, {}, b""))
    return False


async def _contact(tx: Tx, payload: Mapping[str, Any]) -> int | None:
    """Whom the payload names by mail address or phone, made if nobody has it; None when it names nobody.

    What it says about their name is taken for somebody new alone: anybody may call.
    """
    given = payload.get("contact")
    known: dict[str, Any] = {**payload, **(given if isinstance(given, dict) else {})}
    wanted = _addresses(known, (await accounts.current(tx)).country)
    if not wanted:
        return None
    owned = await urns.owners(tx, wanted)
    found = next((owned[urn] for urn in wanted if urn in owned), None)
    if found is None:
        called = {wanted[0]: _name(known)}
        [(found, _)] = await people.get_or_create(tx, wanted[:1], names=called, source="hook")
    for urn in wanted:
        if urn not in owned:
            await urns.add(tx, found, [urn])
    return found


def _addresses(known: Mapping[str, Any], country: str | None) -> list[Urn]:
    """Those that can be read, the mail address first."""
    found: list[Urn] = []
    email = _word(known, "email", "email_address")
    phone = _word(known, "phone", "phone_number", "mobile")
    with contextlib.suppress(Invalid):
        found += [urns.read_email(email).urn] if email else []
    if phone and (address := urns.read_phone(phone, country=country, loose=True)):
        found.append(address.urn)
    return found


def _name(known: Mapping[str, Any]) -> str:
    """What somebody new is called."""
    parts = (_word(known, "first_name", "firstname"), _word(known, "last_name", "lastname"))
    return _word(known, "name", "full_name") or " ".join(part for part in parts if part)


def _word(known: Mapping[str, Any], *names: str) -> str | None:
    for name in names:
        value = known.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return None


FIND = sql(
    """
    select w.account_id, w.id, w.status from workflows w
    join accounts a on a.id = w.account_id and a.deleted_at is null and not a.suspended
    where w.hook = $1 and w.deleted_at is null and w.trigger in ('webhook_received', 'form_submitted')
    """,
    system=True,
)
