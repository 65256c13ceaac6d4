"""How messages and runs stand in archives: the shapes of RapidPro's API, one object a line."""

from datetime import UTC, datetime
from typing import Any


def message(
    id: int, uuid: Any, contact: Any, urn: str, channel: Any, direction: str, kind: str, status: str, text: str,
    labels: Any, flow: Any, attachments: Any, replies: Any, created: datetime, sent: datetime | None, broadcast: Any,
    visibility: str, modified: datetime, *, anon: bool,
) -> dict[str, Any]:  # fmt: skip
    files = [{"content_type": one.get("content_type"), "url": one.get("url")} for one in attachments or ()]
    return {
        "id": id,
        "uuid": uuid,
        "broadcast": broadcast,
        "contact": contact,
        "urn": None if anon else urn,
        "channel": channel,
        "direction": direction,
        "type": "voice" if kind == "call" else "text",
        "status": STATUSES.get(status, status),
        "archived": visibility == "archived",
        "visibility": visibility,
        "text": text,
        "labels": labels if direction == "in" else [],
        "flow": flow,
        "attachments": files,
        "quick_replies": [{"text": reply} if isinstance(reply, str) else reply for reply in replies or ()],
        "created_on": _moment(created),
        "sent_on": _moment(sent) if direction == "out" else None,
        "modified_on": _moment(modified),
        "media": f"{files[0]['content_type']}:{files[0]['url']}" if files else None,
    }


def run(
    id: int, uuid: Any, flow: Any, contact: Any, start: Any, responded: bool, nodes: list[Any],
    arrivals: list[datetime], results: dict[str, Any], status: str, created: datetime, modified: datetime,
    exited: datetime | None, *, anon: bool,
) -> dict[str, Any]:  # fmt: skip
    del anon  # a line names the contact without addresses in any case
    return {
        "id": id,
        "uuid": uuid,
        "flow": flow,
        "contact": contact,
        "start": start,
        "responded": responded,
        "path": [{"node": node, "time": _moment(at)} for node, at in zip(nodes, arrivals, strict=True)],
        "values": {key: _value(result) for key, result in results.items()},
        "created_on": _moment(created),
        "modified_on": _moment(modified),
        "exited_on": _moment(exited),
        "exit_type": status,
    }


def _value(result: dict[str, Any]) -> dict[str, Any]:
    named = {name: result.get(name) for name in ("name", "value", "category", "input")}
    return {**named, "node": result.get("node_uuid"), "time": result.get("created_on")}


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None


STATUSES = {"received": "handled", "unknown": "wired", "canceled": "failed"}
