"""Cases of flows in JSON: written short, run as a black box, compared by what they say.

A text like `~ann` stands for a uuid. Flows are written as nodes with `do` (actions), `to`, `switch` or `random`.
An expected object may leave keys out; `null` says that a key is not there.
"""

import hashlib
import re
from pathlib import Path
from typing import Any

from trunkline.flows.cases import documents, running
from trunkline.flows.cases.errors import CaseError

SHORT = re.compile(r"~[\w.\- ]+")


def read(name: str) -> dict[str, Any]:
    """Cases by their names."""
    cases = documents.read((Path(__file__).parent / "flows" / "cases" / f"{name}.json").read_bytes())
    return {case["name"]: case for case in cases}


def run(case: dict[str, Any]) -> Any:
    """The result of a case, as JSON reads it back."""
    return answer(full(case))


def answer(whole: Any) -> Any:
    """The same for a case written out."""
    try:
        return documents.plain(running.answer(documents.plain(whole), None))
    except CaseError as error:
        return {"error": error.document()}


def mismatches(case: dict[str, Any], result: Any) -> list[str]:
    """Where the result is not what the case expects."""
    found = list(_compare(long(case.get("error")), result.get("error"), "error"))
    expected, outputs = case.get("expect", []), result.get("outputs", [])
    if len(expected) > len(outputs):
        return [*found, f"{len(outputs)} outputs, error {result.get('error')}"]
    for index, (wanted, output) in enumerate(zip(long(expected), outputs, strict=False)):
        for part, value in wanted.items():
            got = output[part]
            if part == "events":
                types = [event["type"] for event in got]
                if types != [event[0] for event in value]:
                    found.append(f"[{index}].events are {types}: {[e for e in got if e['type'] in ERRORS]}")
                    continue
                value, got = [event[1] if len(event) > 1 else {} for event in value], got
            found += _compare(value, got, f"[{index}].{part}")
    return found


def full(case: dict[str, Any]) -> dict[str, Any]:
    """The case as the runner wants it."""
    assets = DEFAULT_ASSETS | case.get("assets", {})
    assets = assets | {"flows": [flow(each) for each in case.get("flows", [])]}
    whole = {
        "assets": assets,
        "environment": case.get("environment"),
        "contact": DEFAULT_CONTACT | case.get("contact", {}),
        **{name: case[name] for name in PASSED if name in case},
    }
    if "modifiers" not in case:
        first = case["flows"][0].get("name", "Main") if case.get("flows") else "Main"
        trigger = {"type": "manual", "flow": {"uuid": f"~{first}", "name": first}} | case.get("trigger", {})
        if isinstance(trigger.get("event"), str):
            trigger["event"] = message(trigger["event"])
        whole |= {"trigger": trigger, "resumes": [resume(each) for each in case.get("resumes", [])]}
    return long(whole)


def flow(short: dict[str, Any]) -> Any:
    if "nodes" not in short or short.get("as_is"):
        return short
    name = short.get("name", "Main")
    kept = {"type": "messaging", "language": "eng", "revision": 1, "expire_after_minutes": 60, "localization": {}}
    kept |= {key: value for key, value in short.items() if key != "nodes"}
    return kept | {
        "uuid": f"~{name}",
        "name": name,
        "spec_version": "14.4.2",
        "nodes": [node(each) for each in short["nodes"]],
    }


def node(short: dict[str, Any]) -> dict[str, Any]:
    id = short["id"]
    made: dict[str, Any] = {"uuid": f"~{id}"}
    made["actions"] = [{"uuid": f"~{id}.{index}", **action} for index, action in enumerate(short.get("do", []))]
    kind = "switch" if "switch" in short else "random" if "random" in short else ""
    if not kind:
        return made | {"exits": [_exit(id, short.get("to"))]}
    return made | _router(id, kind, short[kind])


def _router(id: str, kind: str, short: dict[str, Any]) -> dict[str, Any]:
    categories: dict[str, Any] = short["categories"]
    router: dict[str, Any] = {"type": kind, "result_name": short.get("result", "")}
    router["categories"] = [
        {"uuid": f"~{id}.{name}", "name": name, "exit_uuid": f"~{id}.{name}.exit"} for name in categories
    ]
    if kind == "switch":
        router["operand"] = short.get("operand", "@input.text")
        router["cases"] = [
            {"uuid": f"~{id}.case{index}", "type": test, "arguments": args, "category_uuid": f"~{id}.{name}"}
            for index, (test, args, name) in enumerate(short.get("cases", []))
        ]
        if default := short.get("default", "Other" if "Other" in categories else None):
            router["default_category_uuid"] = f"~{id}.{default}"
    if wait := short.get("wait"):
        router["wait"] = {"type": "msg"} | (wait if isinstance(wait, dict) else {})
    if timeout := short.get("timeout"):
        router["wait"]["timeout"] = {"seconds": timeout[0], "category_uuid": f"~{id}.{timeout[1]}"}
    return {"router": router, "exits": [_exit(f"{id}.{name}", to) for name, to in categories.items()]}


def _exit(id: str, to: str | None) -> dict[str, Any]:
    return {"uuid": f"~{id}.exit", "destination_uuid": f"~{to}" if to else None}


def resume(short: Any) -> Any:
    """A text is a message."""
    if not isinstance(short, str):
        return short
    if short in ("wait_timeout", "wait_expiration"):
        return {"type": short}
    return {"type": "msg", "event": message(short)}


def message(text: str) -> dict[str, Any]:
    return {"type": "msg_received", "msg": {"urn": "tel:+12025550123", "text": text}}


def uuid(name: str) -> str:
    digits = hashlib.md5(name.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def long(value: Any) -> Any:
    """With uuids in place of their short forms."""
    if isinstance(value, str):
        return uuid(value[1:]) if SHORT.fullmatch(value) else value
    if isinstance(value, list):
        return [long(item) for item in value]
    if isinstance(value, dict):
        return {long(key): long(item) for key, item in value.items()}
    return value


def _compare(wanted: Any, got: Any, path: str) -> list[str]:
    if isinstance(wanted, dict) and isinstance(got, dict):
        return [line for key, value in wanted.items() for line in _compare(value, got.get(key), f"{path}.{key}")]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        pairs = zip(wanted, got, strict=True)
        return [line for index, pair in enumerate(pairs) for line in _compare(*pair, f"{path}[{index}]")]
    return [] if wanted == got else [f"{path} is {got!r}, not {wanted!r}"]


ERRORS = ("error", "failure", "warning")
PASSED = ("http_mocks", "services", "clock", "seed", "options", "call", "modifiers")
DEFAULT_ASSETS: dict[str, Any] = {
    "channels": [
        {
            "uuid": "~line",
            "name": "Line",
            "address": "+12025550100",
            "schemes": ["tel"],
            "roles": ["send", "receive"],
            "country": "US",
        }
    ],
    "fields": [
        {"key": "drink", "name": "Drink", "type": "text"},
        {"key": "age", "name": "Age", "type": "number"},
        {"key": "born", "name": "Born", "type": "datetime"},
    ],
    "groups": [{"uuid": "~friends", "name": "Friends"}, {"uuid": "~teas", "name": "Teas", "query": 'drink = "Tea"'}],
    "labels": [{"uuid": "~spam", "name": "Spam"}],
    "globals": [{"key": "org", "name": "Org", "value": "Acme"}],
    "topics": [{"uuid": "~general", "name": "General"}, {"uuid": "~sales", "name": "Sales"}],
    "users": [{"uuid": "~bob", "name": "Bob McBob", "email": "bob@acme.com"}],
    "llms": [{"uuid": "~gpt", "name": "GPT", "type": "openai"}],
    "resthooks": [{"slug": "new-lead", "subscribers": ["http://one.com/", "http://two.com/"]}],
}
DEFAULT_CONTACT: dict[str, Any] = {
    "uuid": "~ann",
    "id": 12,
    "name": "Ann Lee",
    "status": "active",
    "created_on": "2025-01-01T00:00:00Z",
    "urns": ["tel:+12025550123"],
}
