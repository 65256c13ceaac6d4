"""What a query uses, and whether it can define a group."""

from typing import Any

from msgspec import Struct

from trunkline.contacts.query.conditions import NOT_FOR_GROUPS, Field, Node, Ref, conditions
from trunkline.contacts.query.printing import property_name


class Inspection(Struct, frozen=True):
    """`attributes` and `schemes` are sorted, `fields` and `groups` in the order of the query."""

    attributes: tuple[str, ...]
    schemes: tuple[str, ...]
    fields: tuple[Field, ...]
    groups: tuple[Ref, ...]
    allow_as_group: bool

    def document(self) -> dict[str, Any]:
        named = [{"uuid": g.uuid, "name": g.name} if g.uuid else {"name_match": g.name} for g in self.groups]
        return {
            "attributes": list(self.attributes),
            "schemes": list(self.schemes),
            "fields": [{"key": field.key, "name": field.name} for field in self.fields],
            "groups": named,
            "allow_as_group": self.allow_as_group,
        }


def inspect(node: Node) -> Inspection:
    found = conditions(node)
    attributes = sorted({one.key for one in found if one.kind == "attribute"})
    return Inspection(
        attributes=tuple(attributes),
        schemes=tuple(sorted({one.key for one in found if one.kind == "scheme"})),
        fields=tuple({one.field.key: one.field for one in found if one.field}.values()),
        groups=tuple(dict.fromkeys(r for one in found if one.type == "group" and isinstance(r := one.reading, Ref))),
        allow_as_group=not NOT_FOR_GROUPS & set(attributes),
    )


def touches(node: Node) -> list[str]:
    """The names of what decides the query, as changes of contacts name it: `name`, `fields.plan`, `urns`."""
    return sorted({"urns" if one.about_urns else property_name(one) for one in conditions(node)})
