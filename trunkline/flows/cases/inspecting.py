"""`flow inspect`: what a definition needs, saves and gets wrong."""

from typing import Any

from trunkline.flows import inspection, loading
from trunkline.flows.cases.errors import CaseError
from trunkline.flows.catalogue import Catalogue
from trunkline.flows.faults import InvalidFlow, UnsupportedVersion


def answer(case: dict[str, Any], assets: dict[str, Any] | None) -> dict[str, Any]:
    """In: `flow`, or `flow_uuid` of one of the assets. Out: the migrated flow and its information."""
    assets = _object(case.get("assets"), "assets") if case.get("assets") is not None else assets
    definition = _definition(case, assets)
    try:
        flow = loading.load(definition)
    except InvalidFlow as error:
        raise CaseError("flow", error.message, {"path": error.path} if error.path else None) from None
    except UnsupportedVersion as error:
        raise CaseError("version", error.message) from None
    catalogue = Catalogue(assets) if assets is not None else None
    return {"flow": flow.raw, "info": inspection.inspect(flow, catalogue)}


def _definition(case: dict[str, Any], assets: dict[str, Any] | None) -> Any:
    if case.get("flow") is not None:
        return case["flow"]
    uuid = case.get("flow_uuid")
    if not isinstance(uuid, str):
        raise CaseError("input", "A flow is needed, or the flow_uuid of one among the assets")
    flows = (assets or {}).get("flows")
    known = [flow for flow in flows if isinstance(flow, dict)] if isinstance(flows, list) else []
    found = next((flow for flow in known if _uuid(flow) == uuid), None)
    if found is None:
        raise CaseError("input", f"There is no flow {uuid} among the assets")
    return found


def _uuid(flow: dict[str, Any]) -> Any:
    """Legacy definitions keep it with the metadata."""
    metadata = flow.get("metadata")
    return flow.get("uuid") or (metadata.get("uuid") if isinstance(metadata, dict) else None)


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise CaseError(name, f"The {name} are an object")
    return value
