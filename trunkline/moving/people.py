"""Contacts, messages and runs on their way in."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from trunkline.contacts import carrying as contacts
from trunkline.contacts import people
from trunkline.contacts.carrying import Remark
from trunkline.core import urns
from trunkline.core.db import Tx
from trunkline.core.urns import BadUrn, Urn
from trunkline.flows import carrying as runs
from trunkline.flows import stored
from trunkline.messaging import carrying as messages
from trunkline.moving.steps import Notes
from trunkline.moving.things import Rows

SOURCE = "rapidpro"
STATUSES = {
    "wired": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "errored": "failed",
    "failed": "failed",
}
NO_CHANNEL = "No channel"
NONE = {"uuid": "none", "name": NO_CHANNEL}


async def carry_contacts(tx: Tx, rows: Rows, notes: Notes) -> None:
    given, inside = [], 0
    for row in rows:
        if row.get("status") is None and row.get("blocked") is None:
            continue  # deleted there
        addresses, hidden = _addresses(row.get("urns") or [])
        for text in hidden:
            notes.problems.append(f"Contact {row['uuid']}: the address {text} cannot be kept.")
        inside += bool(row.get("flow"))
        given.append(_contact(row, addresses))
    outcome = await contacts.carry(tx, given, SOURCE)
    notes.done += len(given)
    for uuid, taken in outcome.taken.items():
        listed = ", ".join(map(str, taken))
        notes.problems.append(f"Contact {uuid} came without {listed}, which somebody here has already.")
    if inside:
        notes.problems.append(f"{inside} contacts were in a flow; they are in none here.")


async def carry_messages(tx: Tx, rows: Rows, notes: Notes, host: str) -> None:
    there = {each["uuid"]: each["name"] for each in (row.get("channel") or NONE for row in rows)}
    channels = {uuid: await messages.retired(tx, uuid, name or NO_CHANNEL) for uuid, name in there.items()}
    known = await _known(tx, rows)
    flows = await _flows(tx, rows)
    given = []
    for row in rows:
        contact = known.get(UUID(row["contact"]["uuid"]))
        if contact is None:
            notes.leave(f"Message {_id(row)}: its contact did not come along.")
            continue
        given.append(_message(row, host, contact, channels[(row.get("channel") or NONE)["uuid"]], flows))
    await messages.carry(tx, given)
    notes.done += len(given)


async def carry_runs(tx: Tx, rows: Rows, notes: Notes, host: str) -> None:
    known = await _known(tx, rows)
    flows = await _flows(tx, rows)
    given, cut = [], 0
    for row in rows:
        contact, flow = known.get(UUID(row["contact"]["uuid"])), flows.get(row["flow"]["uuid"])
        if contact is None or flow is None:
            notes.leave(f"Run {_id(row)}: its {'contact' if contact is None else 'flow'} did not come along.")
            continue
        cut += row.get("exit_type") is None
        given.append(_run(row, host, contact, flow))
    await runs.carry(tx, given)
    notes.done += len(given)
    if cut:
        notes.problems.append(f"{cut} runs were under way; they are interrupted here.")


async def _known(tx: Tx, rows: Rows) -> dict[UUID, int]:
    wanted = {UUID(row["contact"]["uuid"]) for row in rows}
    return {uuid: each.id for uuid, each in (await people.by_uuid(tx, list(wanted))).items()}


async def _flows(tx: Tx, rows: Rows) -> dict[str, int]:
    wanted = {UUID(row["flow"]["uuid"]) for row in rows if row.get("flow")}
    return {str(uuid): each.id for uuid, each in (await stored.by_uuid(tx, list(wanted))).items()}


def _contact(row: Mapping[str, Any], addresses: list[Urn]) -> contacts.Carried:
    status = row.get("status") or ("blocked" if row.get("blocked") else "stopped" if row.get("stopped") else "active")
    return contacts.Carried(
        uuid=UUID(row["uuid"]),
        name=row.get("name"),
        status=status,
        language=row.get("language"),
        urns=addresses,
        fields=row.get("fields") or {},
        groups=[(UUID(each["uuid"]), each["name"]) for each in row.get("groups") or ()],
        notes=[
            Remark(each["text"], _at(each["created_on"]), (each.get("created_by") or {}).get("email"))
            for each in row.get("notes") or ()
        ],
        created_at=_at(row["created_on"]),
        updated_at=_at(row["modified_on"]),
        seen_at=_at_or_none(row.get("last_seen_on")),
    )


def _addresses(texts: Iterable[str]) -> tuple[list[Urn], list[str]]:
    """Those that are addresses here too, and the others: hidden ones, and schemes that are unknown."""
    found, strange = [], []
    for text in texts:
        try:
            found.append(urns.parse(text))
        except BadUrn:
            strange.append(text)
    return found, strange


def _message(
    row: Mapping[str, Any], host: str, contact: int, channel: int, flows: Mapping[str, int]
) -> messages.Carried:
    is_incoming = row["direction"] == "in"
    scheme, _, path = (row.get("urn") or f"deleted:{row['contact']['uuid']}").partition(":")
    return messages.Carried(
        uuid=_uuid(row, host, "message"),
        contact_id=contact,
        channel_id=channel,
        flow_id=flows.get(row["flow"]["uuid"]) if row.get("flow") else None,
        urn=(scheme, path[:255]),
        is_incoming=is_incoming,
        # What was still waiting there is sent from there.
        status="handled" if is_incoming else STATUSES.get(row["status"], "canceled"),
        is_voice=row.get("type") in ("voice", "ivr"),
        is_archived=row.get("visibility") == "archived",
        text=row.get("text") or "",
        attachments=[{"content_type": each["content_type"], "url": each["url"]} for each in row.get("attachments", ())],
        quick_replies=[_reply(each) for each in row.get("quick_replies") or ()],
        labels=[each["name"] for each in row.get("labels") or ()],
        created_at=_at(row["created_on"]),
        sent_at=_at_or_none(row.get("sent_on")),
    )


def _run(row: Mapping[str, Any], host: str, contact: int, flow: int) -> runs.Carried:
    modified = _at(row["modified_on"])
    return runs.Carried(
        uuid=_uuid(row, host, "run"),
        flow_id=flow,
        contact_id=contact,
        status=row.get("exit_type") or "interrupted",
        responded=bool(row.get("responded")),
        path=[(UUID(each["node"]), _at(each["time"])) for each in row.get("path") or ()],
        results={key: _result(each) for key, each in (row.get("values") or {}).items()},
        created_at=_at(row["created_on"]),
        modified_at=modified,
        exited_at=_at_or_none(row.get("exited_on")) or modified,
    )


def _result(value: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "name": value.get("name") or "",
        "value": value.get("value") or "",
        "node_uuid": value.get("node") or "",
        "created_on": value["time"],
    }
    return found | {name: value[name] for name in ("category", "input") if value.get(name)}


def _reply(reply: Any) -> Any:
    if isinstance(reply, str):
        return reply
    more = {name: reply[name] for name in ("extra", "type") if reply.get(name)}
    return {"text": reply.get("text") or "", **more} if more else reply.get("text") or ""


def _uuid(row: Mapping[str, Any], host: str, kind: str) -> UUID:
    """Older servers number their messages."""
    return UUID(row["uuid"]) if row.get("uuid") else uuid5(NAMESPACE_URL, f"https://{host}/{kind}/{row['id']}")


def _id(row: Mapping[str, Any]) -> Any:
    return row.get("uuid") or row.get("id")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _at_or_none(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
