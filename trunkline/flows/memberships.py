"""Moves a contact in and out of the groups that have a query."""

from collections.abc import Iterable

from trunkline.expressions.environment import Environment
from trunkline.flows.events import ContactGroupsChanged
from trunkline.flows.queries import GroupQuery
from trunkline.flows.scene import Scene
from trunkline.flows.sessions import Ref

STATUS = "status"
"""Every query group depends on it: only active contacts are in one."""


def reevaluate(scene: Scene, environment: Environment, touched: Iterable[str] | None = None) -> None:
    """Those groups whose query looks at something of `touched` (see `GroupQuery.looks_at`); without it, all."""
    if not (queries := _affected(scene.assets.queries, touched)):
        return
    contact, held = scene.contact, {group.uuid for group in scene.contact.groups}
    added, removed, now = [], [], scene.clock()
    for query in queries:
        belongs = contact.status == "active" and query.matches(environment, contact, now)
        if belongs and query.group.uuid not in held:
            added.append(query.group.ref)
        elif not belongs and query.group.uuid in held:
            removed.append(query.group.ref)
    change(scene, added, removed)


def change(scene: Scene, added: list[Ref], removed: list[Ref]) -> bool:
    """Put the contact into groups and take it out of others, with one event for all of it."""
    if not added and not removed:
        return False
    gone = {group.uuid for group in removed}
    scene.contact.groups = [group for group in scene.contact.groups if group.uuid not in gone] + added
    scene.log(ContactGroupsChanged(groups_added=added, groups_removed=removed))
    scene.touched()
    return True


def _affected(queries: list[GroupQuery], touched: Iterable[str] | None) -> list[GroupQuery]:
    if touched is None or not queries:
        return queries
    wanted = set(touched)
    return [query for query in queries if not query.looks_at.isdisjoint(wanted)]
