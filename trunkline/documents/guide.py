"""What a page about an API shows, read from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.dialects.examples import example

METHODS = ("get", "post", "put", "patch", "delete")
LEVELS = 3


class Value(Struct, frozen=True):
    """A parameter or a field: `where` is path, query, header or body; `shape` its type in words."""

    name: str
    where: str
    shape: str
    required: bool
    description: str
    sample: str


class Endpoint(Struct, frozen=True):
    """`path` is below the API's address; `body` and `answer` are examples as JSON, empty where there is none."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    public: bool
    values: list[Value]
    body: str
    media_type: str
    status: str
    answer: str
    refusals: list[tuple[str, str]]


class Chapter(Struct, frozen=True):
    title: str
    endpoints: list[Endpoint]


def chapters(document: Mapping[str, Any]) -> list[Chapter]:
    """The endpoints by subject, in the document's order."""
    found: dict[str, list[Endpoint]] = {tag["name"]: [] for tag in document.get("tags", [])}
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                operation = methods[method]
                title = (operation.get("tags") or ["Others"])[0]
                found.setdefault(title, []).append(_endpoint(document, path, method, operation))
    return [Chapter(title, endpoints) for title, endpoints in found.items() if endpoints]


def _endpoint(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Endpoint:
    components = document["components"]["schemas"]
    media_type, body, fields = _body(operation, components)
    status, answer = _answer(operation, components)
    summary = operation["summary"]
    return Endpoint(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=summary,
        description=operation.get("description", "").removeprefix(summary).lstrip(". \n"),
        scope=operation.get("x-scope", ""),
        public=operation.get("security") == [],
        values=[*_parameters(operation, components), *fields],
        body=body,
        media_type=media_type,
        status=status,
        answer=answer,
        refusals=[
            (code, each["description"]) for code, each in sorted(operation["responses"].items()) if code >= "400"
        ],
    )


def _parameters(operation: Mapping[str, Any], components: dict[str, Any]) -> Iterator[Value]:
    for each in operation.get("parameters", []):
        schema = each.get("schema", {})
        sample = "" if each["in"] == "header" else _written(example(schema, components))
        yield Value(
            name=each["name"],
            where=each["in"],
            shape=_shape(schema, components),
            required=each.get("required", False),
            description=each.get("description", ""),
            sample=sample,
        )


def _body(operation: Mapping[str, Any], components: dict[str, Any]) -> tuple[str, str, list[Value]]:
    """Media type, example and fields of what is sent; JSON where there is a choice."""
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return "", "", []
    media_type = "application/json" if "application/json" in content else next(iter(content))
    schema = content[media_type].get("schema", {})
    sample = content[media_type].get("example", example(schema, components))
    text = _pretty(sample) if media_type == "application/json" else ""
    return media_type, text, list(_fields(schema, components))


def _fields(schema: Mapping[str, Any], components: dict[str, Any], above: str = "", level: int = 1) -> Iterator[Value]:
    """The properties of a body; those of things within it by their path."""
    schema = _resolved(schema, components)
    if schema.get("type") == "array":
        schema, above = _resolved(schema.get("items", {}), components), f"{above}[]." if above else "[]."
    for name, each in schema.get("properties", {}).items():
        resolved = _resolved(each, components)
        yield Value(
            name=f"{above}{name}",
            where="body",
            shape=_shape(each, components),
            required=name in schema.get("required", ()),
            description=each.get("description") or resolved.get("description", ""),
            sample="",
        )
        inner = _resolved(resolved.get("items", {}), components) if resolved.get("type") == "array" else resolved
        if inner.get("properties") and level < LEVELS:
            dots = "[]" if resolved.get("type") == "array" else ""
            yield from _fields(inner, components, f"{above}{name}{dots}.", level + 1)


def _answer(operation: Mapping[str, Any], components: dict[str, Any]) -> tuple[str, str]:
    """The first success, with an example of its body."""
    for status, each in sorted(operation["responses"].items()):
        if status < "400":
            content = each.get("content", {}).get("application/json")
            return status, _pretty(example(content.get("schema", {}), components)) if content else ""
    return "", ""


def _resolved(schema: Mapping[str, Any], components: dict[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to; of a choice with null, the other one."""
    while True:
        if "$ref" in schema:
            schema = components[schema["$ref"].rpartition("/")[2]]
        elif choices := [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]:
            schema = choices[0]
        else:
            return schema


def _shape(schema: Mapping[str, Any], components: dict[str, Any]) -> str:
    """`string`, `integer or null`, `array of string`, `"sms" | "email"`."""
    if "$ref" in schema:
        return _shape(_resolved(schema, components), components)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_shape(each, components) for each in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(_written(each) for each in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_shape(schema.get('items', {}), components)}"
    kind = schema.get("type", "any")
    kind = " or ".join(kind) if isinstance(kind, list) else kind
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _written(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
