"""A loaded flow: immutable, shared by every session that runs it. `loading.load` makes one."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from msgspec import Struct

from trunkline.flows import flow_types
from trunkline.flows.actions.base import Action
from trunkline.flows.flow_types import FlowType
from trunkline.flows.localization import Localization, Texts
from trunkline.flows.marks import Uuid
from trunkline.flows.routers.base import Router


class Exit(Struct, frozen=True, kw_only=True):
    uuid: Uuid
    destination_uuid: Uuid | None = None


class Node(Struct, frozen=True, kw_only=True):
    uuid: str
    actions: tuple[Action, ...]
    router: Router | None
    exits: tuple[Exit, ...]

    def exit(self, uuid: str) -> Exit | None:
        return next((way for way in self.exits if way.uuid == uuid), None)


class Flow(Struct, frozen=True, kw_only=True, eq=False):
    """`raw` is the definition in the newest version, with everything we do not read: never change it."""

    uuid: str
    name: str
    language: str
    type: FlowType
    revision: int
    expire_after_minutes: int
    nodes: tuple[Node, ...]
    by_uuid: dict[str, Node]
    localization: Localization
    raw: dict[str, Any]

    @property
    def entry(self) -> Node | None:
        return self.nodes[0] if self.nodes else None

    @property
    def expires_after(self) -> timedelta:
        """How long a wait lasts; zero for types that never wait."""
        return timedelta(minutes=self.expire_after_minutes or flow_types.DEFAULT_EXPIRY[self.type])

    @property
    def reference(self) -> dict[str, Any]:
        return {"uuid": self.uuid, "name": self.name, "revision": self.revision}

    def node(self, uuid: str) -> Node | None:
        return self.by_uuid.get(uuid)

    def actions(self) -> Iterator[tuple[Node, Action]]:
        return ((node, action) for node in self.nodes for action in node.actions)

    def translated(self, languages: Iterable[str], item_uuid: str, name: str, base: Texts) -> tuple[Texts, str]:
        """The texts of an item's property in the first of `languages` that has them, and their language."""
        return self.localization.pick(languages, self.language, item_uuid, name, base)
