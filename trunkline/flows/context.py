"""What expressions see: the sixteen roots `@contact`, `@results` …, each built when it is first looked at."""

import re
from collections.abc import Callable
from typing import Any

from trunkline.expressions.values import MISSING, Deprecated, Lazy, Object, Value
from trunkline.flows import contact_tickets, objects, summaries
from trunkline.flows.contact import Contact
from trunkline.flows.plain import from_json
from trunkline.flows.sessions import Run

Maker = Callable[[Any], Value]


class Root(Object):
    """The context of a `Step` at one moment; made anew after each change, which costs next to nothing."""

    __slots__ = ("step",)

    def __init__(self, step: Any):
        super().__init__()
        self.step = step

    def find(self, key: str) -> Value:
        value = self.values.get(key, MISSING)
        if value is MISSING and (make := ROOTS.get(key) or ROOTS.get(key.lower())):
            value = self.values[key] = make(self.step)
        return value

    def keys(self) -> list[str]:
        return list(ROOTS)

    def __contains__(self, key: str) -> bool:
        return key.lower() in ROOTS

    def __len__(self) -> int:
        return len(ROOTS)


def _run(step: Any, run: Run) -> Object:
    return Object(
        {
            "uuid": run.uuid,
            "contact": Lazy(lambda: objects.contact_object(step, step.contact)),
            "flow": objects.flow_object(run.flow),
            "status": run.status,
            "locals": Object(run.locals),
            "results": Lazy(lambda: objects.results_object(step, run.results)),
            "path": Lazy(
                lambda: [Object({"node_uuid": each.node_uuid, "arrived_on": each.arrived_on}) for each in run.path]
            ),
            "created_on": run.created_on,
            "exited_on": run.exited_on,
        },
        default=Lazy(lambda: f"{objects.contact_text(step, step.contact)}@{run.flow.name}"),
    )


def _related(step: Any, run: Run | summaries.Summary | None, contact: Contact | None) -> Object | None:
    """A child or parent: a run of this session, or what another session told about its run."""
    if run is None:
        return None
    values: dict[str, Value] = {
        "uuid": run.uuid,
        "contact": Lazy(lambda: objects.contact_object(step, contact)) if contact else None,
        "flow": objects.flow_object(run.flow),
        "fields": Lazy(lambda: objects.fields_object(step, contact)) if contact else None,
        "urns": Lazy(lambda: objects.urns_object(step, contact.urns)) if contact else None,
        "results": Lazy(lambda: objects.results_object(step, run.results)),
        "status": run.status,
        "run": Deprecated(Object({"status": run.status}), "run.status is deprecated, use status."),
    }
    return Object(
        values, default=Lazy(lambda: f"{objects.contact_text(step, contact) if contact else ''}@{run.flow.name}")
    )


def _child(step: Any) -> Object | None:
    runs = (run for run in reversed(step.session.runs) if run.parent_uuid == step.run.uuid)
    return _related(step, next(runs, None), step.contact)


def _parent(step: Any) -> Object | None:
    if step.run.parent_uuid:
        return _related(step, step.session.run(step.run.parent_uuid), step.contact)
    if step.trigger.run_summary is None:
        return None
    summary = summaries.read(step.trigger.run_summary)
    return _related(step, summary, summary.contact)


def _input(step: Any) -> Object | None:
    heard = step.session.input
    if heard is None:
        return None
    urls = [attachment.partition(":")[2] for attachment in heard.attachments]
    return Object(
        {
            "type": heard.type,
            "uuid": heard.uuid,
            "created_on": heard.created_on,
            "channel": Lazy(lambda: objects.channel_object(step, heard.channel)),
            "urn": objects.urn_text(heard.urn, step.environment.redacts_urns) if heard.urn else None,
            "text": heard.text,
            "attachments": heard.attachments,
            "external_id": heard.external_id,
            "payload": Lazy(lambda: from_json(heard.payload if isinstance(heard.payload, dict) else {})),
        },
        default="\n".join(filter(None, (heard.text, *urls))),
    )


def _trigger(step: Any) -> Object:
    trigger = step.trigger
    event = trigger.event
    params = trigger.params or (event.params if event else None) or {}
    ticket = summaries.ticket(trigger)
    return Object(
        {
            "type": trigger.type,
            "params": Lazy(lambda: from_json(params)),
            "keyword": trigger.keyword_match.keyword if trigger.keyword_match else None,
            "user": objects.user_object(step, trigger.user),
            "origin": trigger.origin or None,
            "campaign": objects.named(event.campaign) if event else None,
            "ticket": objects.ticket_object(step, ticket) if ticket else None,
        },
        default=trigger.type,
    )


def _resume(step: Any) -> Object | None:
    if step.resume is None:
        return None
    dial = step.resume.dial
    values = {"status": dial.status, "duration": dial.duration} if dial else None
    return Object({"type": step.resume.type, "dial": Object(values) if values else None}, default=step.resume.type)


def _webhook(step: Any) -> Object | None:
    called = step.run.webhook
    if called is None:
        return None
    headers = Lazy(lambda: Object(called.headers))
    values = {"status": called.status, "headers": headers, "json": Lazy(lambda: from_json(called.json))}
    return Object(values, default=f"{called.method} {called.url}")


def _ticket(step: Any) -> Object | None:
    ticket = contact_tickets.current(step.contact)
    return objects.ticket_object(step, ticket) if ticket else None


def _node(step: Any) -> Object | None:
    node = step.node
    if node is None:
        return None
    categories = [category.name for category in node.router.categories] if node.router else []
    visits = sum(each.node_uuid == node.uuid for each in step.run.path)
    return Object({"uuid": node.uuid, "categories": categories, "visit_count": visits}, default=node.uuid)


def _legacy_extra(step: Any) -> Deprecated:
    found: dict[str, Value] = {}
    parent = summaries.read(step.trigger.run_summary) if step.trigger.run_summary is not None else None
    results = [*(parent.results.values() if parent else ()), *step.run.results.values()]
    for extra in (step.trigger.params, *(each.extra for each in sorted(results, key=lambda one: one.created_on))):
        if extra is not None:
            found |= cleaned(extra)
    return Deprecated(Object(found), "legacy_extra is deprecated, use webhook.json or trigger.params.")


def cleaned(extra: Any) -> dict[str, Value]:
    """Keys become words, lists become objects of their numbers."""
    pairs = enumerate(extra) if isinstance(extra, list) else extra.items() if isinstance(extra, dict) else ()
    return {
        re.sub(r"[^\w]", "_", str(key)): Object(cleaned(item)) if isinstance(item, dict | list) else from_json(item)
        for key, item in pairs
    }


ROOTS: dict[str, Maker] = {
    "child": _child,
    "contact": lambda step: objects.contact_object(step, step.contact),
    "fields": lambda step: objects.fields_object(step, step.contact),
    "globals": lambda step: Object({key: each.value for key, each in step.assets.globals.items()}),
    "input": _input,
    "legacy_extra": _legacy_extra,
    "locals": lambda step: Object(step.run.locals),
    "node": _node,
    "parent": _parent,
    "results": lambda step: objects.results_object(step, step.run.results),
    "resume": _resume,
    "run": lambda step: _run(step, step.run),
    "ticket": _ticket,
    "trigger": _trigger,
    "urns": lambda step: objects.urns_object(step, step.contact.urns),
    "webhook": _webhook,
}
