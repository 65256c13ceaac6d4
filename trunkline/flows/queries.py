"""The queries of groups, compiled once for an environment, asked about the contact of a session."""

from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from trunkline.contacts.query import conditions, inspecting, matching, parsing
from trunkline.contacts.query.errors import QueryError
from trunkline.expressions.environment import Environment
from trunkline.flows.contact import Contact

MOST_COMPILED = 64
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)


class GroupQuery:
    """`looks_at` names what decides it: `name`, `fields.plan`, `urns`. One that cannot be read moves nobody."""

    def __init__(self, group: Any, assets: Any):
        self.group = group
        self._resolver = Resolver(assets)
        self._tests: dict[Environment, matching.Test | None] = {}
        node = self._parse(Environment(), NO_TIME)
        self.is_broken = node is None
        self.looks_at = frozenset(inspecting.touches(node)) if node else frozenset()

    def matches(self, environment: Environment, contact: Contact, now: datetime) -> bool:
        """`now` decides the century of years with two digits."""
        test = self._test(environment, now)
        if test is None:
            return any(group.uuid == self.group.uuid for group in contact.groups)
        return test(contact)

    def _test(self, environment: Environment, now: datetime) -> matching.Test | None:
        if environment not in self._tests:
            if len(self._tests) >= MOST_COMPILED:
                self._tests.clear()
            node = self._parse(environment, now)
            self._tests[environment] = matching.compile(node, environment) if node else None
        return self._tests[environment]

    def _parse(self, environment: Environment, now: datetime) -> conditions.Node | None:
        # Redaction hides addresses from people who search; groups may go by them all the same.
        environment = structs.replace(environment, redaction_policy="none")
        try:
            return parsing.parse(self.group.query, environment, self._resolver, now)
        except QueryError:
            return None


class Resolver:
    """What the assets know by the names that queries write."""

    def __init__(self, assets: Any):
        self._assets = assets

    def field(self, key: str) -> conditions.Field | None:
        found = self._assets.fields.get(key)
        return conditions.Field(found.key, found.name, found.type) if found else None

    def group(self, name: str) -> conditions.Ref | None:
        found = self._assets.group_names.get(name.strip().lower())
        return conditions.Ref(found.uuid, found.name) if found else None

    def flow(self, name: str) -> conditions.Ref | None:
        found = self._assets.flows.by_name(name)
        return conditions.Ref(found.uuid, found.name) if found else None
