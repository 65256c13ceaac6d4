"""What a flow needs, saves and gets wrong, without running it."""

from collections.abc import Iterator
from typing import Any

from trunkline.expressions import patterns
from trunkline.flows.actions.send_broadcast import SendBroadcast
from trunkline.flows.actions.start_session import StartSession
from trunkline.flows.catalogue import Catalogue
from trunkline.flows.definition import Flow
from trunkline.flows.mentioned import Dependency, Place, dependencies, parent_results
from trunkline.flows.routers.switch import Case, Switch
from trunkline.flows.sessions import snakify


def inspect(flow: Flow, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """The information of a flow. Without a catalogue nothing is missing."""
    used = list(dependencies(flow))
    return {
        "counts": {"nodes": len(flow.nodes), "languages": len(flow.localization.languages)},
        "dependencies": _dependencies(used, catalogue),
        "locals": list(dict.fromkeys(name for _, action in flow.actions() for name in action.locals())),
        "results": _results(flow),
        "parent_refs": list(dict.fromkeys(parent_results(flow))),
        "issues": [*_missing(used, catalogue), *_legacy_vars(flow), *_invalid_patterns(flow)],
    }


def _dependencies(used: list[tuple[Place, Dependency]], catalogue: Catalogue | None) -> list[dict[str, Any]]:
    """Each one once, with a name if any use of it or the catalogue says one."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for _, dependency in used:
        key = (dependency.kind, dependency.identity)
        shown = found.setdefault(key, {"type": dependency.kind, **dependency.shown})
        shown["name"] = shown["name"] or dependency.shown["name"]
    for (kind, identity), shown in found.items():
        if catalogue:
            shown["name"] = shown["name"] or catalogue.name(kind, identity)
            shown |= {} if catalogue.has(kind, identity) else {"missing": True}
    return list(found.values())


def _results(flow: Flow) -> list[dict[str, Any]]:
    """By key; the first name that leads to a key is shown."""
    found: dict[str, dict[str, Any]] = {}
    for node_uuid, name, categories in _saved(flow):
        fresh = {"key": snakify(name), "name": name, "categories": [], "node_uuids": []}
        result = found.setdefault(fresh["key"], fresh)
        result["categories"] += (each for each in dict.fromkeys(categories) if each not in result["categories"])
        if node_uuid not in result["node_uuids"]:
            result["node_uuids"].append(node_uuid)
    return list(found.values())


def _saved(flow: Flow) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for node in flow.nodes:
        for action in node.actions:
            for result in action.results():
                yield node.uuid, result.name, result.categories
        if node.router and node.router.result_name:
            yield node.uuid, node.router.result_name, tuple(each.name for each in node.router.categories)


def _missing(used: list[tuple[Place, Dependency]], catalogue: Catalogue | None) -> Iterator[dict[str, Any]]:
    """Once for each place, whatever the language."""
    seen: set[tuple[str, str, str, str]] = set()
    for place, dependency in used:
        kind, identity = dependency.kind, dependency.identity
        key = (place.node_uuid, place.action_uuid, kind, identity)
        if catalogue is None or catalogue.has(kind, identity) or key in seen:
            continue
        seen.add(key)
        yield {
            "type": "missing_dependency",
            **place.shown(),
            "description": f"There is no {kind} {dependency.shown['name'] or identity}",
            "dependency": {"type": kind, **dependency.shown},
        }


def _legacy_vars(flow: Flow) -> Iterator[dict[str, Any]]:
    for node, action in flow.actions():
        if isinstance(action, SendBroadcast | StartSession) and action.legacy_vars:
            place = Place(node_uuid=node.uuid, action_uuid=action.uuid)
            yield {
                "type": "legacy_vars",
                **place.shown(),
                "description": f"Recipients are computed: {', '.join(action.legacy_vars)}",
            }


def _invalid_patterns(flow: Flow) -> Iterator[dict[str, Any]]:
    for node in flow.nodes:
        for case in node.router.cases if isinstance(node.router, Switch) else ():
            if case.type == "has_pattern":
                yield from _pattern_issues(flow, node.uuid, case)


def _pattern_issues(flow: Flow, node_uuid: str, case: Case) -> Iterator[dict[str, Any]]:
    """Patterns with expressions in them are only known when they are used."""
    translated = ((code, flow.localization.texts(code, case.uuid, "arguments")) for code in flow.localization.languages)
    for language, arguments in [("", case.arguments), *translated]:
        pattern = arguments[0].strip() if arguments else ""
        if "@" not in pattern and (problem := _problem(pattern)):
            place = Place(node_uuid=node_uuid, language=language)
            yield {"type": "invalid_regex", **place.shown(), "description": f"{problem}: {pattern[:200]}"}


def _problem(pattern: str) -> str:
    try:
        patterns.first_match(pattern, "")
    except patterns.BadPattern as error:
        return str(error)
    return ""
