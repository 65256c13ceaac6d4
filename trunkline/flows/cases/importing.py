"""`flow import`: what a workspace is after an import."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from trunkline.flows import migrations
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion
from trunkline.flows.transfer import envelope, importing
from trunkline.flows.transfer.envelope import InvalidFile
from trunkline.flows.transfer.plans import applied
from trunkline.flows.transfer.workspace import Workspace


def answer(case: dict[str, Any], assets: dict[str, Any] | None) -> dict[str, Any]:
    """In: `file`, `workspace`, `seed`. Out: the workspace after it, its flows by what happened to them, issues."""
    if case.get("file") is None:
        raise CaseError("input", "A file is needed")
    try:
        workspace = Workspace(_migrated({} if case.get("workspace") is None else case["workspace"]))
        contents = envelope.read(case["file"])
        plan = importing.plan(contents, workspace, _uuids(case))
    except InvalidFile as error:
        raise CaseError("input", error.message) from None
    except UnsupportedVersion as error:
        raise CaseError("version", error.message) from None
    return {
        "workspace": applied(plan, workspace),
        "flows": [change.shown() for change in plan.flows],
        "issues": plan.issues,
    }


def _uuids(case: dict[str, Any]) -> Callable[[], str]:
    """Equal cases get equal uuids; another file for the same workspace gets none that is there."""
    told = msgspec.json.encode([case.get("seed", 0), case["file"], case.get("workspace")])
    return migrations.derived(sha256(told).hexdigest())


def _migrated(document: Any) -> Any:
    """The workspace with its flows in the newest version; those that cannot be migrated stay as they are."""
    if not isinstance(document, dict) or not isinstance(document.get("flows"), list):
        return document
    return document | {"flows": [_newest(flow) for flow in document["flows"]]}


def _newest(flow: Any) -> Any:
    try:
        return migrations.migrate(flow)
    except (InvalidFlow, UnsupportedVersion):
        return flow
