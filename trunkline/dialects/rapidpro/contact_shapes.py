"""Contacts as they are told: one page with all that hangs on it, a query for each kind of thing."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from trunkline.accounts import accounts, settings
from trunkline.accounts.accounts import Account
from trunkline.contacts import fields, groups, notes, refs, urns
from trunkline.contacts.groups import GroupRef
from trunkline.contacts.notes import Note
from trunkline.contacts.profiles import Profile
from trunkline.contacts.urns import Record
from trunkline.core.db import Tx
from trunkline.dialects.calls import Call
from trunkline.dialects.rapidpro import values
from trunkline.dialects.rapidpro.values import Shown
from trunkline.dialects.rapidpro.wire import Moment, Ref, UserRef, moment, moment_or_none
from trunkline.messaging import channels
from trunkline.messaging.channels import Channel

MASK = "********"


class UrnOut(Struct, frozen=True):
    """`channel` is what a message to this address would leave by."""

    channel: Ref | None
    scheme: str
    path: str
    display: str | None


class NoteOut(Struct, frozen=True):
    text: str
    created_on: Moment
    created_by: UserRef | None


class ContactOut(Struct, frozen=True, kw_only=True):
    """`ref` and `anon_display` are told where addresses are hidden."""

    uuid: UUID
    name: str | None
    ref: str | UnsetType = UNSET
    anon_display: str | UnsetType = UNSET
    status: str | None
    language: str | None
    urns: list[str | UrnOut]
    groups: list[Ref]
    notes: list[NoteOut]
    fields: dict[str, str | None]
    flow: Ref | None
    created_on: Moment
    modified_on: Moment
    last_seen_on: Moment | None
    blocked: bool | None
    stopped: bool | None


class _Page(Struct):
    """What the contacts of a page have besides their rows."""

    anon: bool
    shown: Shown
    urns: dict[int, list[Record]]
    groups: dict[int, list[GroupRef]]
    notes: dict[int, list[Note]]
    channels: list[Channel] | None


async def shapes(tx: Tx, call: Call, profiles: Sequence[Profile], *, expand: bool) -> list[ContactOut]:
    account = await accounts.current(tx)
    living = [each.id for each in profiles if each.deleted_at is None]
    page = await _load(tx, call, account, living, expand=expand)
    return [_living(each, page) if each.deleted_at is None else _deleted(each, page) for each in profiles]


async def _load(tx: Tx, call: Call, account: Account, ids: list[int], *, expand: bool) -> _Page:
    known = values.visible(await fields.all(tx), call.caller.role) if ids else []
    return _Page(
        anon=settings.value(account, "anon"),
        shown=values.shown(known, account.timezone),
        urns=await urns.of(tx, ids) if ids else {},
        groups=await groups.of(tx, ids) if ids else {},
        notes=await notes.of(tx, ids) if ids else {},
        channels=await channels.all_of(tx) if ids and expand else None,
    )


def _living(profile: Profile, page: _Page) -> ContactOut:
    ref = refs.of(profile.id) if page.anon else UNSET
    return ContactOut(
        uuid=profile.uuid,
        name=profile.name or None,
        ref=ref,
        anon_display=(profile.name or ref) if page.anon else UNSET,
        status=profile.status,
        language=profile.language,
        urns=_urns(page.urns[profile.id], page),
        groups=[Ref(each.uuid, each.name) for each in page.groups[profile.id]],
        notes=[_note(each) for each in page.notes.get(profile.id, ())],
        fields=page.shown(profile.fields),
        flow=Ref(profile.flow_uuid, profile.flow_name) if profile.flow_uuid else None,
        created_on=moment(profile.created_at),
        modified_on=moment(profile.updated_at),
        last_seen_on=moment_or_none(profile.last_seen_at),
        blocked=profile.status == "blocked",
        stopped=profile.status == "stopped",
    )


def _deleted(profile: Profile, page: _Page) -> ContactOut:
    return ContactOut(
        uuid=profile.uuid,
        name=None,
        ref=refs.of(profile.id) if page.anon else UNSET,
        anon_display=refs.of(profile.id) if page.anon else UNSET,
        status=None,
        language=None,
        urns=[],
        groups=[],
        notes=[],
        fields={},
        flow=None,
        created_on=moment(profile.created_at),
        modified_on=moment(profile.updated_at),
        last_seen_on=moment_or_none(profile.last_seen_at),
        blocked=None,
        stopped=None,
    )


def _urns(records: Sequence[Record], page: _Page) -> list[str | UrnOut]:
    if page.channels is not None:
        return [
            UrnOut(_channel(each, page.channels), each.scheme, MASK if page.anon else each.path, None)
            for each in records
        ]
    return [f"{each.scheme}:{MASK if page.anon else each.path}" for each in records]


def _channel(record: Record, known: Sequence[Channel]) -> Ref | None:
    """The one that the address was heard on, else the standard one, else any that reaches it."""
    able = [each for each in known if each.active and record.scheme in each.schemes]
    able.sort(key=lambda each: (each.id != record.channel_id, not each.is_default))
    return Ref(able[0].uuid, able[0].name) if able else None


def _note(note: Note) -> NoteOut:
    writer = UserRef(note.email, note.name or note.email) if note.email else None
    return NoteOut(note.body, moment(note.created_at), writer)
