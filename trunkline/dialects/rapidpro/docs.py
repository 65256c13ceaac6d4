"""Documentation of the endpoints, made from the table that serves them: one page for each and one for all."""

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any

import msgspec

from trunkline.dialects import openapi
from trunkline.dialects.base import Dialect, Operation
from trunkline.dialects.calls import Call
from trunkline.dialects.examples import example

SUFFIX = ".json"


def page(dialect: Dialect, call: Call, endpoint: str) -> str | None:
    """The page of an endpoint, or with an empty name the page of all; None if there is no such endpoint."""
    if not endpoint:
        explorer = (
            f'<p><a href="{escape(call.url("/explorer/"))}">API Explorer</a>: try every endpoint in the browser.</p>'
        )
        return _page(dialect.title, _paragraphs(dialect.description) + explorer + _index(dialect, call))
    operations = [each for each in dialect.operations if f"/{endpoint}{SUFFIX}" in each.paths]
    if not operations:
        return None
    address = call.url(f"/{endpoint}{SUFFIX}")
    parts = [_operation(dialect, each, address) for each in operations]
    return _page(title(endpoint), f"<p><code>{escape(address)}</code></p>" + "".join(parts))


def endpoints(dialect: Dialect) -> dict[str, list[Operation]]:
    """The operations of each endpoint, by name; unlisted ones too."""
    found: dict[str, list[Operation]] = {}
    for operation in dialect.operations:
        for path in operation.paths:
            if name := path.removeprefix("/").removesuffix(SUFFIX):
                found.setdefault(name, []).append(operation)
    return dict(sorted(found.items()))


def prefers_json(call: Call) -> bool:
    """Whether whoever asks for documentation wants it without any: a program that forgot the suffix."""
    accept = (call.header("accept") or "").lower()
    return "application/json" in accept and "text/html" not in accept


def title(endpoint: str) -> str:
    return endpoint.replace("_", " ").capitalize()


def _index(dialect: Dialect, call: Call) -> str:
    links = "".join(
        f'<li><a href="{escape(call.url(f"/{name}"))}">{escape(call.mount)}/{name}</a>: '
        f"{escape(', '.join(each.summary for each in operations))}</li>"
        for name, operations in endpoints(dialect).items()
        if name in LISTED
    )
    return f"<h2>Endpoints</h2><ul>{links}</ul>"


def _operation(dialect: Dialect, operation: Operation, address: str) -> str:
    parts = [f"<h2>{operation.method}</h2>", _paragraphs(operation.doc)]
    asked = [(each.encode_name, "", _described(each.type)) for each in operation.query_fields()]
    if asked:
        parts.append(_table("Parameters", asked))
    given = [(name, "required" if field.required else "", field.help) for name, field in operation.rules.fields.items()]
    if given:
        parts.append(_table("Fields", given))
    described, components = _described_by(dialect, operation)
    body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    parts.append(_example("Example request", f"{operation.method} {address}", _whole(body), components))
    status, answer = next((status, each) for status, each in described["responses"].items() if status.startswith("2"))
    told = answer.get("content", {}).get("application/json", {}).get("schema", {})
    if names := _told(told, components):
        parts.append(_table("Answer", names))
    return "".join([*parts, _example("Example answer", status, told, components)])


@cache
def _document(dialect: Dialect) -> dict[str, Any]:
    return openapi.document(dialect, "")


def _described_by(dialect: Dialect, operation: Operation) -> tuple[dict[str, Any], dict[str, Any]]:
    """An operation in the OpenAPI document, and what its schemas refer to."""
    document = _document(dialect)
    return document["paths"][operation.paths[0]][operation.method.lower()], document["components"]["schemas"]


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """With all that may be sent."""
    return schema | {"required": [*schema.get("properties", {})]} if schema else schema


def _told(schema: dict[str, Any], components: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The names in an answer, or in a row of a list, with their kinds."""
    schema = _resolved(schema, components)
    rows = schema.get("properties", {}).get("results")
    named = _resolved(rows.get("items", {}), components) if rows else schema
    return [(name, "", _kind(each, components)) for name, each in named.get("properties", {}).items()]


def _kind(schema: dict[str, Any], components: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each, components) for each in schema["anyOf"]))
    schema = _resolved(schema, components)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), components)}"
    if schema.get("properties"):
        return f"object with {', '.join(schema['properties'])}"
    return str(schema.get("format") or schema.get("type") or "any value")


def _resolved(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return schema


def _example(caption: str, line: str, schema: dict[str, Any], components: dict[str, Any]) -> str:
    value = _telling(example(schema, components)) if schema else None
    told = msgspec.json.format(msgspec.json.encode(value)).decode() if schema else ""
    text = escape("\n\n".join(filter(None, (line, told))))
    return f"<h3>{caption}</h3><pre>{text}</pre>"


def _telling(value: Any, name: str = "") -> Any:
    """With values that say more than "text", where a name tells what they are."""
    match value:
        case dict():
            return {key: _telling(each, key) for key, each in value.items()}
        case list():
            return [_telling(each, name) for each in value]
        case "text" | None:
            return SAMPLES.get(name, value)
    return value


def _described(kind: object) -> str:
    for note in getattr(kind, "__metadata__", ()):
        if isinstance(note, msgspec.Meta) and note.description:
            return note.description
    return ""


def _table(caption: str, rows: Sequence[tuple[str, str, str]]) -> str:
    lines = "".join(
        f'<tr><th scope="row"><code>{escape(name)}</code></th><td>{need}</td><td>{escape(text)}</td></tr>'
        for name, need, text in rows
    )
    return f"<table><caption>{caption}</caption>{lines}</table>"


def _paragraphs(text: str) -> str:
    paragraphs = (escape(" ".join(part.split())) for part in text.split("\n\n"))
    return "".join(f"<p>{CODE.sub(CODED, each)}</p>" for each in paragraphs)


def _page(heading: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(heading)}</title>'
        f"<style>{STYLE}</style></head>"
        f"<body><h1>{escape(heading)}</h1>{body}</body></html>"
    )


CODE, CODED = re.compile(r"`([^`]+)`"), r"<code>\1</code>"
STYLE = """
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color: #1f2937 }
    table { border-collapse: collapse; width: 100%; margin: 1rem 0 } caption { font-weight: 600; text-align: start }
    th, td { border-top: 1px solid #d1d5db; padding: .3rem .5rem; text-align: start; vertical-align: top }
    th { font-weight: 400; white-space: nowrap } p code { overflow-wrap: anywhere }
    code, pre { direction: ltr; unicode-bidi: isolate } h2 { border-top: 2px solid #1f2937; padding-top: .5rem }
    pre { background: #f3f4f6; padding: .75rem; overflow-x: auto } a { color: #1d4ed8 }
"""
SAMPLES = {
    "name": "Ann", "first_name": "Ann", "last_name": "Lee", "display": None, "language": "eng", "base_language": "eng",
    "languages": "eng", "urn": "tel:+250788123123", "urns": "tel:+250788123123", "scheme": "tel",
    "path": "+250788123123", "address": "+250788123123", "urn_display": "0788 123 123", "ref": "AB12CD",
    "anon_display": "AB12CD", "status": "active", "email": "ann@example.com", "assignee": "ann@example.com",
    "text": "Hello", "note": "Prefers mornings", "key": "nick_name", "resthook": "new-report", "country": "RW",
    "timezone": "Africa/Kigali", "group": "Reporters", "contact": "tel:+250788123123", "label": "Spam",
    "contacts": "tel:+250788123123", "groups": "Reporters", "relative_to": "joined", "value": "Acme",
    "target_url": "https://hooks.example.com/1", "content_type": "image/jpeg", "filename": "photo.jpg",
    "media": "image/jpeg:https://files.example.com/photo.jpg", "category": "Tea", "message": "Hello", "extra": "Tea",
}  # fmt: skip
LISTED = (
    "archives", "broadcasts", "campaigns", "campaign_events", "channels", "classifiers", "contacts", "contact_actions",
    "fields", "flow_starts", "flows", "globals", "groups", "labels", "media", "messages", "message_actions", "runs",
    "resthooks", "resthook_events", "resthook_subscribers", "tickets", "ticket_actions", "topics", "users", "workspace",
)  # fmt: skip
