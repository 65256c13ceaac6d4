"""What a workspace calls its fields, groups and flows, for queries."""

from collections.abc import Iterable

from trunkline.contacts.query.conditions import Field, Ref
from trunkline.contacts.query.words import fold


class Names:
    """Resolves by key and by name, however those are written; of two that differ in case alone the first counts."""

    def __init__(self, fields: Iterable[Field] = (), groups: Iterable[Ref] = (), flows: Iterable[Ref] = ()):
        self._fields = {field.key.lower(): field for field in reversed([*fields])}
        self._groups = {fold(group.name): group for group in reversed([*groups])}
        self._flows = {fold(flow.name): flow for flow in reversed([*flows])}

    def field(self, key: str) -> Field | None:
        return self._fields.get(key)

    def group(self, name: str) -> Ref | None:
        return self._groups.get(fold(name))

    def flow(self, name: str) -> Ref | None:
        return self._flows.get(fold(name))
