"""Flows of a stored account: brought in, written out, started, put away."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec

from trunkline.commands.answers import Answer, table
from trunkline.commands.opening import uuid, workspace
from trunkline.commands.user import AccountId
from trunkline.core import config, urns
from trunkline.core.config import Settings
from trunkline.core.db import Tx
from trunkline.core.errors import Refusal
from trunkline.core.urns import BadUrn, Urn
from trunkline.flows import stored
from trunkline.flows.cases import documents
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.faults import UnsupportedVersion
from trunkline.flows.stored import Stored
from trunkline.flows.transfer.envelope import InvalidFile


async def import_file(file: Path | None, account: str, *, dry_run: bool = False) -> Answer:
    """Bring the flows of an export into an account, all or nothing. What comes in may be a case or its file alone."""
    from trunkline.campaigns import transfers

    settings = config.load()
    try:
        given = _read(file)
        is_case = isinstance(given, dict) and "version" not in given and "file" in given
        echoed = {"id": given["id"]} if is_case and "id" in given else {}
        async with workspace(settings, account) as (tx, _):
            envelope = given["file"] if is_case else given
            result = await transfers.import_file(tx, envelope, site=settings.public_url or "", dry_run=dry_run)
    except (CaseError, InvalidFile) as error:
        return _result({"error": CaseError("input", str(error)).document()}, code=1)
    except UnsupportedVersion as error:
        return _result({"error": CaseError("version", error.message).document()}, code=1)
    return _result(echoed | result)


async def export_file(file: Path | None, account: str, flows: tuple[str, ...] | None) -> Answer:
    """Write the flows of an account, all unless some are named, with what they use."""
    from trunkline.campaigns import transfers

    settings = config.load()
    try:
        async with workspace(settings, account) as (tx, _):
            exported = await transfers.export_file(tx, flows or None, site=settings.public_url or "")
    except InvalidFile as error:
        return _result({"error": CaseError("input", error.message).document()}, code=1)
    if file is None:
        return _result({"file": exported})
    await asyncio.to_thread(file.write_bytes, documents.write(exported))
    number = len(exported["flows"])
    return Answer({"flows": number, "path": str(file)}, f"Wrote {number} flows to {file}.")


async def start(
    settings: Settings,
    flow: Annotated[str, "UUID or name of the flow."],
    /,
    *,
    account: AccountId,
    group: Annotated[tuple[str, ...] | None, "Name of a group; may be repeated."] = None,
    urn: Annotated[tuple[str, ...] | None, "An address like tel:+15550100; may be repeated."] = None,
    query: Annotated[str | None, "A contact query."] = None,
) -> Answer:
    """Start a flow for contacts: those of groups, those with addresses, those that a query finds."""
    from trunkline.contacts import groups
    from trunkline.flows import starts
    from trunkline.flows.starts import NewStart

    async with workspace(settings, account) as (tx, _):
        found = await _flow(tx, flow)
        if found.archived or not found.valid:
            state = "is put away" if found.archived else "does not load"
            raise Refusal(f"{found.name} {state} and cannot be started.", code="not_startable")
        chosen = [(name, await groups.find(tx, name)) for name in group or ()]
        if missing := [name for name, one in chosen if one is None]:
            raise Refusal(f"There is no group {missing[0]} in this account.", code="not_found")
        new = NewStart(
            flow_id=found.id,
            origin="ui",
            groups=[one.id for _, one in chosen if one],
            urns=[_urn(text) for text in urn or ()],
            query=query,
        )
        made = await starts.create(tx, new)
    return Answer({"uuid": made.uuid, "flow": found.name}, f"Started {found.name}; the workers do the rest.")


async def log(
    settings: Settings,
    *,
    account: AccountId,
    flow: Annotated[str | None, "UUID or name of a flow; all flows without it."] = None,
    limit: Annotated[int, "How many entries, 1 to 1000."] = 50,
) -> Answer:
    """Show what flows did outside and what went wrong in them, the newest first."""
    from trunkline.flows import logs

    if not 1 <= limit <= 1000:
        raise Refusal("--limit is 1 to 1000.")
    async with workspace(settings, account) as (tx, _):
        found = await _flow(tx, flow) if flow else None
        entries = await logs.page(tx, flow=found.id if found else None, limit=limit)
    rows = [(one.at, one.kind, one.ok, one.contact_id, one.status or one.code, one.text or one.url) for one in entries]
    document = {"entries": msgspec.to_builtins(entries)}
    headings = ("At", "Kind", "Ok", "Contact", "Status", "What")
    return Answer(document, table(headings, rows, empty="Nothing happened in the last two weeks."))


async def archive(settings: Settings, flow: Annotated[str, "UUID of the flow."], /, *, account: AccountId) -> Answer:
    """Put a flow away and let go of whoever waits in it; nobody starts it any more."""
    from trunkline.flows import endings

    wanted = uuid(flow, "flow", "`trunkline flow export --account UUID` shows the flows.")
    async with workspace(settings, account) as (tx, _):
        found = (await stored.by_uuid(tx, [wanted])).get(wanted)
        if found is None:
            raise Refusal(f"There is no flow {flow} in this account.", code="not_found")
        await endings.archive(tx, [found.id])
    return Answer({"uuid": found.uuid, "name": found.name, "archived": True}, f"Put away the flow {found.name}.")


async def _flow(tx: Tx, named: str) -> Stored:
    try:
        wanted = UUID(named)
    except ValueError:
        found = await stored.find(tx, named)
    else:
        found = (await stored.by_uuid(tx, [wanted])).get(wanted)
    if found is None:
        raise Refusal(f"There is no flow {named} in this account.", code="not_found")
    return found


def _urn(text: str) -> Urn:
    try:
        return urns.parse(text)
    except BadUrn as error:
        raise Refusal(f"{text} is no address: {error}. Write it like tel:+15550100.") from None


def _read(file: Path | None) -> Any:
    try:
        return documents.read(file.read_bytes() if file else sys.stdin.buffer.read())
    except OSError as error:
        raise Refusal(f"{file} cannot be read: {error.strerror}. Name a readable file.") from None


def _result(document: dict[str, Any], code: int = 0) -> Answer:
    """JSON, whether or not it was asked for: as the commands without an account answer."""
    return Answer(document, documents.write(document).decode(), code)
