"""JSON schemas of shapes, collected as the components of one document."""

import re
import types
from typing import Any, Union, get_args, get_origin

import msgspec

from trunkline.dialects.pages import PageLinks, PageMeta

REF = "#/components/schemas/{name}"


class Schemas:
    """`of` describes a type; what it names lands in `components`."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}
        self._known: dict[Any, dict[str, Any]] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        if kind not in self._known and len(either := _structs(kind)) > 1:
            self._known[kind] = {"anyOf": [self.of(each) for each in either]}
        if kind not in self._known:
            schema, components = _described(kind)
            for name, component in components.items():
                self._add(name, component)
            self._known[kind] = schema
        return self._known[kind]

    def page(self, item: Any) -> dict[str, Any]:
        """One page of a numbered list."""
        return {
            "type": "object",
            "required": ["data", "links", "meta"],
            "properties": {"data": self.of(list[item]), "links": self.of(PageLinks), "meta": self.of(PageMeta)},
        }

    def _add(self, name: str, component: dict[str, Any]) -> None:
        earlier = self.components.setdefault(name, component)
        if earlier != component:
            raise TypeError(f"two shapes are called {name}")


def _structs(kind: Any) -> list[Any]:
    """The shapes that an answer may have; which one it has, readers see by its members."""
    members = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()
    return [each for each in members if isinstance(each, type) and issubclass(each, msgspec.Struct)]


def _described(kind: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of a type, and those that it refers to, by names that readers know: without our modules."""
    (schema,), components = msgspec.json.schema_components([kind], ref_template=REF, schema_hook=_unknown)
    text = msgspec.json.encode((schema, components))
    return msgspec.json.decode(MODULE.sub(b"", text), type=tuple[dict[str, Any], dict[str, Any]])


def _unknown(kind: type) -> dict[str, Any]:
    raise NotImplementedError(f"{kind} has no JSON schema")


MODULE = re.compile(rb"trunkline\.(?:[a-z_]+\.)+")
