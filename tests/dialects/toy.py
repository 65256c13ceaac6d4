"""Three small dialects, with one operation for each thing that a dialect can do."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from trunkline.accounts import audit
from trunkline.core.clock import now
from trunkline.core.db import sql
from trunkline.dialects.base import (
    Answer,
    BareArray,
    BearerKey,
    Call,
    Conflict,
    Cursor,
    Data,
    Dialect,
    Email,
    Forbidden,
    HeaderKey,
    Invalid,
    Limits,
    Moment,
    NotFound,
    Page,
    Paged,
    PageNumbers,
    Rendered,
    SessionBearer,
    Stream,
    TrunklineError,
    Tx,
    Unauthenticated,
    Upload,
    Url,
    json_array,
    moment,
    status_of,
)


class Error(Struct, omit_defaults=True):
    message: str
    errors: dict[str, list[str]] = {}
    code: str | None = None


def render(error: TrunklineError) -> Rendered:
    fields = error.fields if isinstance(error, Invalid) else {}
    return status_of(error), Error(error.message, fields, error.code), {}


class DeveloperError(Struct):
    error: str
    message: str


def render_developer(error: TrunklineError) -> Rendered:
    names = ((Unauthenticated, "Unauthorized"), (NotFound, "Not Found"), (TrunklineError, "Error"))
    name = next(name for kind, name in names if isinstance(error, kind))
    return status_of(error), DeveloperError(name, error.message), {}


platform = Dialect(
    "platform",
    prefixes=("/api/inbox/v1",),
    shared=("/api/v1",),
    auth=(BearerKey(), SessionBearer()),
    scopes={"contacts": "Contacts", "campaigns": "Campaigns"},
    limits=Limits("60/min", strict={"campaign_send": "5/min"}, slow="3/min", unauthenticated="20/min"),
    page=PageNumbers(),
    errors=render,
    error_shape=Error,
)
developer = Dialect(
    "developer",
    prefixes=("/api/developer/v1",),
    shared=("/api/v1",),
    auth=(BearerKey(),),
    limits=Limits("1200/min"),
    page=BareArray(),
    errors=render_developer,
    error_shape=DeveloperError,
)
portal = Dialect(
    "portal",
    prefixes=("/api/portal/v1", "/api/v1/integrations"),
    auth=(HeaderKey("X-API-Key"),),
    scopes={"read": "Read", "write": "Write", "send": "Send"},
    limits=Limits("120/min", send="60/min"),
    page=PageNumbers(),
    errors=render,
    error_shape={401: Error, None: Error},
)


class ContactIn(Struct):
    first_name: Annotated[str, Meta(min_length=1, max_length=255, examples=["Jane"])]
    email: Email
    score: Annotated[int, Meta(ge=0, le=100)] | None = None
    tags: Annotated[list[str], Meta(max_length=3)] = []
    site: Url | None = None
    kind: Literal["person", "company"] = "person"
    born: Moment | None = None
    extra: dict[str, Any] = {}


class ContactOut(Struct):
    id: int
    first_name: str
    created_at: Moment
    note: str | None | UnsetType = UNSET


class Search(Struct):
    search: str = ""
    tag_id: int | None = None
    starred: bool | None = None
    labels: list[str] = []


class Recipient(Struct):
    to: str
    variables: dict[str, str] = {}


class Batch(Struct):
    recipients: Annotated[list[Recipient], Meta(min_length=1, max_length=500)]


class Document(Struct):
    title: str
    priority: int = 0


@platform.get("/contacts", scope="contacts", level="view")
async def list_contacts(tx: Tx, page: Page, query: Search) -> Paged[ContactOut]:
    """List contacts."""
    total = 120 if not query.search else 0
    ids = range(page.offset + 1, min(page.offset + page.per_page, total) + 1)
    return Paged([ContactOut(id, "Jane", moment(now())) for id in ids], total, capped=query.search == "capped")


@platform.post("/contacts", scope="contacts", level="create", status=201, raises=(Conflict,))
async def create_contact(tx: Tx, body: ContactIn) -> Data[ContactOut]:
    """Create a contact.

    The email address must be new.
    """
    if body.email == "taken@example.com":
        raise Invalid({"email": ["A contact with this email exists."]})
    await audit.record(tx, "toy.created", body.first_name)
    await asyncio.sleep(body.extra.get("seconds", 0))
    return Data(ContactOut(1, body.first_name, moment(now())))


@platform.get("/contacts/export", scope="contacts", level="view", bucket="slow")
async def export_contacts(tx: Tx) -> Stream:
    """Export contacts."""

    async def lines() -> AsyncIterator[bytes]:
        yield b"First Name\n"
        for row in await tx.rows(ACCOUNT_ID, tx.account):
            yield b"%d\n" % row[0]

    return Stream("text/csv", lines(), "contacts é.csv")


@platform.get("/contacts/broken-export", scope="contacts", level="view")
async def broken_export(tx: Tx) -> Stream:
    async def lines() -> AsyncIterator[bytes]:
        raise NotFound("contact")
        yield b""

    return Stream("text/csv", lines())


@platform.get("/contacts/{id}", scope="contacts", level="view")
async def show_contact(tx: Tx, id: int) -> Data[dict[str, int]]:
    """Show a contact."""
    if id > 10**15:
        await tx.rows(TAKES_AN_INT4, tx.account, id)
    if id > 100:
        raise NotFound("contact", id)
    return Data({"id": id})


@platform.put("/contacts/{id}", scope="contacts", level="interact", also=("PATCH",))
async def update_contact(tx: Tx, id: int, body: ContactIn) -> Data[dict[str, int]]:
    """Change a contact."""
    return Data({"id": id})


@platform.delete("/contacts/{id}", scope="contacts", level="manage")
async def delete_contact(tx: Tx, id: int) -> None:
    """Delete a contact."""


@platform.post("/campaigns/{id}/send", scope="campaigns", level="manage", bucket="campaign_send")
async def send_campaign(tx: Tx, id: int) -> Data[dict[str, int]]:
    """Send a campaign."""
    if id == 999999:
        raise NotFound("campaign", id)
    return Data({"id": id})


@platform.get("/team", level="admin")
async def team(tx: Tx) -> Data[list[int]]:
    """The team."""
    return Data([])


@platform.post("/documents", scope="contacts", level="create", status=201, upload_limit=100 * 1024)
async def upload(tx: Tx, file: Upload | None, body: Document) -> Data[dict[str, Any]]:
    """Upload a document."""
    content = await file.read() if file else b""
    name = file.filename if file else None
    return Data({"title": body.title, "priority": body.priority, "bytes": len(content), "name": name})


@platform.post("/imports", scope="contacts", level="create", upload_limit=100 * 1024)
async def import_contacts(tx: Tx, file: Upload) -> Data[int]:
    """Import contacts."""
    return Data(file.size)


@platform.post("/auth/login", public=True)
async def login(call: Call, body: Document) -> dict[str, str]:
    """Sign in."""
    if body.title == "wrong":
        raise Unauthenticated("Wrong email address or password.")
    return {"ip": call.ip, "url": call.url("/contacts")}


@platform.get("/bug", level="view")
async def bug(tx: Tx) -> None:
    raise ZeroDivisionError("secret detail")


@platform.post("/slow", level="view", seconds=0.2)
async def slow(tx: Tx) -> None:
    await audit.record(tx, "toy.slow")
    await tx.rows(SLEEP, tx.account)


@platform.get("/self", level="view")
async def self_(call: Call) -> dict[str, Any]:
    """An operation that opens its own transaction."""
    async with call.tx() as tx:
        return {"actor": tx.actor, "account": tx.account, "url": call.url("/x")}


@platform.post("/replies", level="interact")
async def reply(call: Call, body: Document) -> Data[str]:
    """A draft, made outside of any transaction."""
    async with call.tx() as tx:
        await audit.record(tx, "toy.created", body.title)
    await asyncio.sleep(body.priority / 1000)
    if body.title == "wrong":
        raise Conflict("no_answer")
    return Data(body.title)


@developer.get("/contacts")
async def all_contacts(tx: Tx, cursor: Cursor, *, companyId: UUID | None = None) -> Paged[int]:
    """All contacts."""
    if companyId:
        return Paged([])
    limit = cursor.limit or 5
    return Paged(list(range(limit)), 5, next="abc" if cursor.limit else None)


@developer.get("/companies")
async def companies(tx: Tx) -> Stream:
    """All companies."""

    async def rows() -> AsyncIterator[dict[str, int]]:
        for number in range(3):
            yield {"id": number}

    return Stream("application/json", json_array(rows()))


@portal.post("/messages/send-batch", scope="send", bucket="send", status=202)
async def send_batch(tx: Tx, body: Batch) -> Answer[Data[int]]:
    """Send many."""
    return Answer(Data(len(body.recipients)), headers={"X-Batch": "b_1"})


@portal.post("/messages/batch-status", scope="read", idempotent=False)
async def batch_status(tx: Tx, body: Batch) -> Data[int]:
    """Ask for many."""
    return Data(len(body.recipients))


@portal.delete("/contacts/{id}", scope="write")
async def remove_contact(tx: Tx, id: int) -> None:
    """Delete a contact."""
    raise Forbidden("No.")


ACCOUNT_ID = sql("select $1::bigint as account_id")
TAKES_AN_INT4 = sql("select $1::bigint as account_id, $2::int")
SLEEP = sql("select $1::bigint as account_id, pg_sleep(10)")
