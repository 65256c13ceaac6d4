"""`trunkline flow migrate`: a definition in a newer version of the flow format."""

from typing import Any

from trunkline.flows import migrations
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion


def answer(case: dict[str, Any], assets: dict[str, Any] | None) -> dict[str, Any]:
    """`{flow, to?, seed?, media_base?}` becomes `{flow, from, to}`."""
    flow, to, base = case.get("flow"), case.get("to"), case.get("media_base")
    if not isinstance(to, str | None) or not isinstance(base, str | None):
        raise CaseError("input", "`to` and `media_base` are texts")
    try:
        version = migrations.version_of(flow)
        migrated = migrations.migrate(flow, to, ids=_ids(case.get("seed")), media_base=base)
    except UnsupportedVersion as error:
        raise CaseError("version", error.message) from None
    except InvalidFlow as error:
        raise CaseError("flow", error.message, {"path": error.path} if error.path else None) from None
    return {"flow": migrated, "from": version, "to": version if migrated is flow else migrated["spec_version"]}


def _ids(seed: Any) -> Any:
    if not isinstance(seed, int | None) or isinstance(seed, bool):
        raise CaseError("input", "`seed` is a whole number")
    return migrations.derived(("seed", seed or 0))
