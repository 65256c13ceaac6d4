"""Example values of JSON schemas, for documents and forms: what the shape says, else the plainest value that fits."""

from typing import Any

FORMATS = {
    "uuid": "0190a2b4-7c1d-7e3a-9b5f-2d4c6e8f0a1b",
    "date-time": "2026-03-01T10:00:00Z",
    "date": "2026-03-01",
    "uri": "https://example.com/page",
    "email": "jane@example.com",
}


def example(schema: dict[str, Any], components: dict[str, Any]) -> Any:
    """A value with the required properties and those that bring their own example."""
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            return example(choice, components)
    match schema.get("type"):
        case "object":
            return _object(schema, components)
        case "array":
            return [example(schema.get("items", {}), components)] * max(1, schema.get("minItems", 1))
        case "string":
            return FORMATS.get(schema.get("format", ""), "text")
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return None


def _object(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: example(each, components)
        for name, each in schema.get("properties", {}).items()
        if name in required or "examples" in each
    }
