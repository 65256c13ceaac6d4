"""The fields and groups of an import: what is there is used, what is missing is created."""

from collections.abc import Callable
from typing import Any

from trunkline.flows.transfer import queries, shapes
from trunkline.flows.transfer.workspace import Workspace, fold


class Belongings:
    def __init__(self, workspace: Workspace, new_uuid: Callable[[], str]):
        self.workspace, self.new_uuid = workspace, new_uuid
        self.fields: dict[str, dict[str, Any]] = {}
        self.groups: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self._by_source: dict[str, dict[str, Any]] = {}
        self._by_name: dict[str, dict[str, Any]] = {}

    def add_fields(self, fields: list[dict[str, Any]]) -> None:
        for field in fields:
            self.add_field(field["key"], field["name"], field["type"])

    def add_field(self, key: str, name: str = "", kind: str = "text") -> None:
        """A field that exists keeps its name and type."""
        there = self.workspace.fields.get(key) or self.fields.get(key)
        if kind not in shapes.FIELD_TYPES:
            self._issue("field_type", f"The field {key} becomes a text: {kind[:40]} is no type of field", key=key)
            kind = "text"
        if there is None and key not in shapes.SYSTEM_FIELDS:
            self.fields[key] = {"key": key, "name": name or shapes.title(key), "type": kind}

    def add_groups(self, groups: list[dict[str, Any]]) -> None:
        for group in groups:
            found = self.workspace.find("group", group["uuid"], group["name"])
            made = found or self._by_name.get(fold(group["name"])) or self._new_group(group)
            if group["uuid"]:
                self._by_source[group["uuid"]] = made

    def ensure_group(self, reference: dict[str, Any]) -> dict[str, Any]:
        """The group of a reference, made without members if there is none."""
        found = self.find_group(reference["uuid"], reference["name"])
        if found is None:
            found = self._new_group({"name": reference["name"] or "Group", "query": None})
            if reference["uuid"]:
                self._by_source[reference["uuid"]] = found
        return found

    def find_group(self, uuid: str, name: str) -> dict[str, Any] | None:
        return (
            self._by_source.get(uuid)
            or self.workspace.find("group", uuid, name)
            or (self._by_name.get(fold(name)) if name else None)
        )

    def _new_group(self, group: dict[str, Any]) -> dict[str, Any]:
        query = group["query"]
        if query is not None:
            try:
                for key in queries.fields_of(query):
                    self.add_field(key)
            except ValueError as error:
                self._issue("invalid_query", f"{group['name']} becomes a group without query: {error}", query=query)
                query = None
        made = {"uuid": self.new_uuid(), "name": group["name"], "query": query}
        self.groups.append(made)
        self._by_name[fold(made["name"])] = made
        return made

    def _issue(self, kind: str, description: str, **details: Any) -> None:
        self.issues.append({"type": kind, "description": description, **details})
