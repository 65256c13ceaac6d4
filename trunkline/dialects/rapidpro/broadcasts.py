"""Broadcasts: one message for many."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from trunkline.accounts import accounts, settings
from trunkline.accounts.accounts import Account
from trunkline.campaigns import sendouts
from trunkline.campaigns.sendouts import SendOut
from trunkline.contacts import groups, people
from trunkline.core.db import Tx
from trunkline.core.tools import Tools
from trunkline.dialects.base import Call, Paged
from trunkline.dialects.rapidpro import contents, languages, message_shapes, reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import across
from trunkline.dialects.rapidpro.fields import Items, Text
from trunkline.dialects.rapidpro.message_shapes import QuickReplyOut
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.references import Address, Contacts, Groups, Many
from trunkline.dialects.rapidpro.translations import Translated
from trunkline.dialects.rapidpro.wire import Moment, Ref, moment
from trunkline.dialects.walking import Place, Walk
from trunkline.messaging import choices, media
from trunkline.messaging.choices import Choice

FORM = {
    "urns": Items("Addresses; unknown ones become contacts.", Address("A URN."), required=False),
    "contacts": Many("Contacts, by UUID or URN.", Contacts(), required=False),
    "groups": Many("Groups, by UUID or name.", Groups(), required=False),
    "text": Translated(
        "The text by language; it may hold expressions.",
        Text("The text.", most=contents.LONGEST_TEXT),
        required=False,
    ),
    "attachments": Translated("Files by language.", contents.files("Files by UUID."), required=False),
    "quick_replies": Translated(
        "What readers may tap, by language.", contents.quick_replies("Quick replies."), required=False
    ),
    "base_language": languages.of_texts("The language for readers of all others."),
}
PARTS = ("text", "attachments", "quick_replies")
MISSING = {
    "text": "No text translation provided in base language.",
    "attachments": "No attachment translations provided in base language.",
    "quick_replies": "No quick_replies translations provided in base language.",
}


class Progress(Struct, frozen=True):
    """How many had their turn, and of how many: -1 while they are still being counted."""

    total: int
    started: int


class BroadcastOut(Struct, frozen=True):
    """`urns` is null where addresses are hidden. A campaign that names single contacts tells 100 of them."""

    uuid: UUID
    status: str
    progress: Progress
    urns: list[str] | None
    contacts: list[Ref]
    groups: list[Ref]
    text: dict[str, str]
    attachments: dict[str, list[str]]
    quick_replies: dict[str, list[QuickReplyOut]]
    base_language: str
    created_on: Moment
    id: int


class BroadcastQuery(Struct):
    uuid: Annotated[str | None, Meta(description="Only the broadcast with this UUID.")] = None
    id: Annotated[str | None, Meta(description="Only the broadcast with this number.")] = None
    before: Annotated[str | None, Meta(description="Made at this time or before.")] = None
    after: Annotated[str | None, Meta(description="Made at this time or after.")] = None


@rapidpro.get("/broadcasts.json")
async def list_broadcasts(tx: Tx, walk: Walk, query: BroadcastQuery) -> Paged[BroadcastOut]:
    """List broadcasts that were started, the newest first. Campaigns to one channel are among them."""
    id, uuid = reading.whole(query.id), reading.uuid(query.uuid)
    since, until = reading.between(query.after, query.before)
    page = await walk.page(
        lambda span: sendouts.page(
            tx, id=id, uuid=uuid, since=since, until=until, after=span.after, limit=span.limit,
            oldest_first=span.oldest_first,
        ),
        _place,
    )  # fmt: skip
    return Paged(await _shapes(tx, page.rows), next=page.next, previous=page.previous)


@rapidpro.post("/broadcasts.json", fields=FORM, status=201)
async def send_broadcast(tx: Tx, call: Call, body: Body) -> BroadcastOut:
    """Send a message to contacts, groups and addresses.

    Text, files and quick replies each come in the reader's language, if they have it, else in the workspace's first
    language, else in the base language. Sending begins a moment later.
    """
    given = await reading.read(tx, call, FORM, body)
    base = _check(given)
    zapier = "zapier" in (call.header("user-agent") or "").lower()
    sent = await sendouts.create(
        tx,
        _translations(tx, given, base),
        base,
        groups=[group.id for group in given.get("groups", ())],
        contacts=[contact.id for contact in given.get("contacts", ())],
        urns=given.get("urns", ()),
        origin="zapier" if zapier else "api",
    )
    [shape] = await _shapes(tx, [sent])
    return shape


def _check(given: dict[str, Any]) -> str:
    """The base language; raises what is wrong with the fields together."""
    text, files = given.get("text") or {}, given.get("attachments") or {}
    if not text and not any(files.values()):
        raise across("Must provide either text or attachments.")
    if not any(given.get(name) for name in ("urns", "contacts", "groups")):
        raise across("Must provide either urns, contacts or groups.")
    base = given.get("base_language") or next(iter(text or files))
    for name in PARTS:
        if given.get(name) and base not in given[name]:
            raise across(MISSING[name])
    return base


def _translations(tx: Tx, given: dict[str, Any], base: str) -> dict[str, dict[str, Any]]:
    """By language, the base first."""
    tools: Tools = tx.database.tools
    found: dict[str, dict[str, Any]] = {base: {"text": "", "attachments": [], "quick_replies": []}}
    for name in PARTS:
        for language, value in (given.get(name) or {}).items():
            if name == "attachments":
                value = [f"{file.content_type}:{media.address(tools, tx.account, file)}" for file in value]
            elif name == "quick_replies":
                value = choices.stored(value)
            empty: dict[str, Any] = {"text": "", "attachments": [], "quick_replies": []}
            found.setdefault(language, empty)[name] = value
    return found


async def _shapes(tx: Tx, sent: Sequence[SendOut]) -> list[BroadcastOut]:
    contacts = {id for each in sent for id in each.contacts}
    named = {each.id: Ref(each.uuid, each.name or None) for each in await people.get_many(tx, list(contacts))}
    wanted = {id for each in sent for id in each.groups}
    groups_named = {each.id: Ref(each.uuid, each.name) for each in await groups.get_many(tx, list(wanted))}
    account = await accounts.current(tx)
    return [_shape(each, account, named, groups_named) for each in sent]


def _shape(sent: SendOut, account: Account, contacts: dict[int, Ref], groups: dict[int, Ref]) -> BroadcastOut:
    base = sent.base_language or account.languages[0]
    said = {language or base: content for language, content in sent.translations.items()}
    return BroadcastOut(
        uuid=sent.uuid,
        status=sent.status,
        progress=Progress(sent.total if sent.expanded else -1, sent.started),
        urns=None if settings.value(account, "anon") else sent.urns,
        contacts=[contacts[id] for id in sent.contacts if id in contacts],
        groups=[groups[id] for id in sent.groups if id in groups],
        text={language: each["text"] for language, each in said.items() if each.get("text")},
        attachments={language: each.get("attachments") or [] for language, each in said.items()},
        quick_replies={language: _replies(each) for language, each in said.items()},
        base_language=base,
        created_on=moment(sent.created_at),
        id=sent.id,
    )


def _replies(content: dict[str, Any]) -> list[QuickReplyOut]:
    kept: list[Choice] = choices.read(content.get("quick_replies"))
    return [message_shapes.quick_reply(each) for each in kept]


def _place(sent: SendOut) -> Place:
    return sent.created_at, sent.id
