"""Flows: the list, files that bring flows in and take them out, the archive."""

import asyncio
import hashlib
from typing import Any
from uuid import UUID

import msgspec
from starlette.datastructures import UploadFile
from starlette.responses import Response

from trunkline.campaigns import transfers
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, NotFound
from trunkline.flows import endings, listing, runs, stored
from trunkline.flows.cases import documents
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion
from trunkline.flows.listing import Filter
from trunkline.flows.stored import Stored
from trunkline.flows.transfer.envelope import InvalidFile
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("flows")

SHOWN = 50
LARGEST = 20 * 1024 * 1024
TABS = [
    ("/flows", "Flows"),
    ("/flows/triggers", "Triggers"),
    ("/flows/sequences", "Sequences"),
    ("/flows/runs", "Runs"),
    ("/flows/log", "Log"),
]


@pages.get("/flows")
async def table(visit: Visit) -> Response:
    """The newest first, those in use or those put away, with how many runs are in which state."""
    filter = Filter(archived=visit.query.flag("archived"), search=visit.query.text("search", most=200) or None)
    async with visit.tx() as tx:
        rows = await listing.page(tx, filter, after=visit.after, limit=SHOWN + 1)
        found = rows[:SHOWN]
        return visit.page(
            "flows/table.html",
            block="found",
            flows=found,
            counts=await runs.counts(tx, [flow.id for flow in found]),
            filter=filter,
            next=visit.beyond(found[-1].created_at, found[-1].id) if len(rows) > SHOWN else "",
            tabs=TABS,
        )


@pages.get("/flows/import", level="manage")
async def choose(visit: Visit) -> Response:
    return visit.page("flows/import.html", block="plan", plan=None, digest="")


@pages.post("/flows/import", level="manage")
async def bring_in(visit: Visit) -> Response:
    """First what would come of a file; the same file once more, seen by its digest, is brought in.

    So nothing lies here between the two steps, and nobody is shown one file and given another.
    """
    content = await _content(visit, visit.form.file("file"))
    digest = hashlib.sha256(content).hexdigest()
    is_seen = visit.form.raw("digest") == digest
    file = await asyncio.to_thread(_read, content)
    async with visit.tx() as tx:
        plan = await _import(tx, file, visit.url, dry_run=not is_seen)
    if not is_seen:
        return visit.page("flows/import.html", block="plan", plan=plan, digest=digest)
    number = len(plan["flows"])
    response = visit.to("/flows", visit.words.many(number, "{count} flow brought in.", "{count} flows brought in."))
    if visit.is_partial:  # a script would follow a redirect by itself and show the next page inside this one
        response.status_code = 200
        response.headers["HX-Redirect"] = "/flows"
    return response


@pages.get("/flows/{uuid:uuid}/export", level="manage")
async def export(visit: Visit) -> Response:
    """The flow with all it uses, as a file that can be brought in elsewhere."""
    async with visit.tx() as tx:
        flow = await flow_of(visit, tx)
        file = await transfers.export_chosen(tx, [flow.uuid], [], site=visit.url)
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in flow.name)[:60]
    headers = {"Content-Disposition": f'attachment; filename="{name.strip("-") or "flow"}.json"'}
    return Response(documents.write(file), 200, {"Cache-Control": "no-store", **headers}, "application/json")


@pages.post("/flows/{uuid:uuid}/archive", level="manage")
async def archive(visit: Visit) -> Response:
    """Put away: nobody starts it any more, whoever waits in it is let go."""
    async with visit.tx() as tx:
        flow = await flow_of(visit, tx)
        await endings.archive(tx, [flow.id])
    return visit.to("/flows?archived=1", visit.words("Put away."))


@pages.post("/flows/{uuid:uuid}/restoration", level="manage")
async def restore(visit: Visit) -> Response:
    async with visit.tx() as tx:
        flow = await flow_of(visit, tx)
        await stored.restore(tx, [flow.id])
    return visit.to(f"/flows/{flow.uuid}", visit.words("In use again."))


async def flow_of(visit: Visit, tx: Tx) -> Stored:
    """The flow in the address."""
    uuid: UUID = visit.request.path_params["uuid"]
    found = (await stored.by_uuid(tx, [uuid])).get(uuid)
    if found is None:
        raise NotFound("flow", uuid)
    return found


def body_cap(path: str) -> int | None:
    """The most bytes that an upload may have, with room for the form around it; None: no upload of ours."""
    return LARGEST + 64 * 1024 if path == "/flows/import" else None


async def _content(visit: Visit, file: UploadFile | None) -> bytes:
    if file is None:
        raise Invalid({"file": [visit.words("Choose a file.")]})
    content = await file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Invalid({"file": [visit.words("The file is larger than {size} MB.", size=LARGEST >> 20)]})
    return content


def _read(content: bytes) -> Any:
    """A file with some hundred flows takes a moment: read beside the loop."""
    try:
        return documents.read(content)
    except (CaseError, msgspec.DecodeError):
        raise Invalid({"file": ["This is no JSON file."]}) from None


async def _import(tx: Tx, file: Any, site: str, *, dry_run: bool) -> dict[str, Any]:
    try:
        return await transfers.import_file(tx, file, site=site, dry_run=dry_run)
    except (InvalidFile, InvalidFlow, UnsupportedVersion) as error:
        raise Invalid({"file": [error.message]}) from None
