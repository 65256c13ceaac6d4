"""`flow export`: a workspace, or some flows of it, as a file."""

from typing import Any

from trunkline.flows.cases.errors import CaseError
from trunkline.flows.transfer import exporting
from trunkline.flows.transfer.envelope import InvalidFile


def answer(case: dict[str, Any], assets: dict[str, Any] | None) -> dict[str, Any]:
    """In: `workspace`, `flows`, `with_dependencies`, `spec`. Out: the file; issues if it is for an older version."""
    chosen, spec = case.get("flows"), case.get("spec")
    if case.get("workspace") is None:
        raise CaseError("input", "A workspace is needed")
    if chosen is not None and not (isinstance(chosen, list) and all(isinstance(uuid, str) for uuid in chosen)):
        raise CaseError("input", "Flows are a list of uuids")
    if spec not in (None, "13", 13):
        raise CaseError("input", "The only older version that is written is 13")
    with_dependencies = case.get("with_dependencies") is not False
    try:
        file = exporting.export(case["workspace"], chosen, "all" if with_dependencies else "none")
    except InvalidFile as error:
        raise CaseError("input", error.message) from None
    if spec is None:
        return {"file": file}
    file, issues = exporting.in_version_13(file)
    return {"file": file, "issues": issues}
