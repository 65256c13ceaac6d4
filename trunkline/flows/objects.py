"""Things as expressions see them: contacts, fields, results, flows, channels, users, tickets."""

from collections.abc import Iterable, Mapping
from typing import Any

from trunkline.contacts import refs
from trunkline.core.urns import SCHEMES
from trunkline.expressions import phones
from trunkline.expressions.rendering import to_text
from trunkline.expressions.values import Deprecated, Lazy, Object, Value
from trunkline.flows import addresses, channels, fields
from trunkline.flows.assets import Channel
from trunkline.flows.contact import Contact
from trunkline.flows.plain import from_json
from trunkline.flows.sessions import FlowRef, Ref, Result


def contact_object(step: Any, contact: Contact) -> Object:
    redacted = step.environment.redacts_urns
    return Object(
        {
            "uuid": contact.uuid,
            "ref": contact.ref or Lazy(lambda: refs.of(contact.id, step.environment.obfuscation_key)),
            "id": Deprecated(str(contact.id), "contact.id is deprecated, use contact.ref or contact.uuid."),
            "name": contact.name,
            "first_name": first_word(contact.name),
            "language": contact.language or None,
            "timezone": contact.timezone or None,
            "status": contact.status,
            "created_on": contact.created_on,
            "last_seen_on": contact.last_seen_on,
            "urns": Lazy(lambda: [urn_text(text, redacted) for text in contact.urns]),
            "urn": Lazy(lambda: _preferred_urn(step, contact)),
            "groups": Lazy(lambda: [named(group) for group in contact.groups]),
            "fields": Lazy(lambda: fields_object(step, contact)),
            "channel": Lazy(lambda: _preferred_channel(step, contact)),
            "tickets": Lazy(
                lambda: Deprecated(
                    [ticket_object(step, ticket) for ticket in contact.tickets if ticket.is_open],
                    "contact.tickets is deprecated, use ticket.",
                )
            ),
        },
        default=Lazy(lambda: contact_text(step, contact)),
    )


def contact_text(step: Any, contact: Contact) -> str:
    """Who it is for people: the name, else the first URN, unless that is nobody's business."""
    if contact.name:
        return contact.name
    if step.environment.redacts_urns:
        return str(contact.id)
    return formatted_urn(contact.urns[0]) if contact.urns else ""


def fields_object(step: Any, contact: Contact) -> Object:
    values = {key: fields.value(field, contact.fields.get(key)) for key, field in step.assets.fields.items()}
    return Object(values, default=Lazy(lambda: _field_lines(step, contact)))


def urns_object(step: Any, urns: Iterable[str]) -> Object:
    """The first URN of every scheme that there is, or null."""
    first: dict[str, Value] = dict.fromkeys(sorted(SCHEMES))
    for text in urns:
        scheme = addresses.read(text).scheme
        if first.get(scheme) is None:
            first[scheme] = urn_text(text, step.environment.redacts_urns)
    return Object(first)


def results_object(step: Any, results: Mapping[str, Result]) -> Object:
    values = {key: Lazy(lambda result=result: result_object(result)) for key, result in results.items()}
    return Object(values, default=Lazy(lambda: _lines((each.name, each.value) for each in results.values())))


def flow_object(flow: FlowRef) -> Object:
    return Object({"uuid": flow.uuid, "name": flow.name, "revision": flow.revision}, default=flow.name)


def named(ref: Ref | None) -> Object | None:
    return Object({"uuid": ref.uuid, "name": ref.name}, default=ref.name) if ref else None


def user_object(step: Any, ref: Any) -> Object | None:
    """Also of a user that only has an email."""
    if ref is None:
        return None
    email = getattr(ref, "email", "")
    known = step.assets.users.get(ref.uuid) or step.assets.user_emails.get(email.lower())
    name, uuid, email = (known.name, known.uuid, known.email) if known else (ref.name, ref.uuid, email)
    values = {"uuid": uuid, "email": email, "name": name, "first_name": first_word(name)}
    return Object(values, default=name or email)


def channel_object(step: Any, ref: Ref | Channel | None) -> Object | None:
    if ref is None:
        return None
    channel = step.assets.channels.get(ref.uuid) or ref
    address = getattr(channel, "address", "")
    return Object({"uuid": channel.uuid, "name": channel.name, "address": address}, default=channel.name)


def ticket_object(step: Any, ticket: Any) -> Object:
    return Object(
        {"uuid": ticket.uuid, "topic": named(ticket.topic), "assignee": user_object(step, ticket.assignee)},
        default=ticket.topic.name if ticket.topic else ticket.uuid,
    )


def urn_text(text: str, redacted: bool) -> str:
    address = addresses.read(text)
    return f"{address.scheme}:{addresses.REDACTED}" if redacted else address.without_channel


def formatted_urn(text: str) -> str:
    address = addresses.read(text)
    national = phones.national(address.path) if address.scheme == "tel" else None
    return national or address.display or address.path


def first_word(text: str) -> str:
    return (text.split() or [""])[0]


def result_object(result: Result) -> Object:
    return Object(
        {
            "name": result.name,
            "value": result.value,
            "category": result.category,
            "category_localized": result.category_localized or result.category,
            "input": result.input,
            "extra": Lazy(lambda: from_json(result.extra)),
            "node_uuid": result.node_uuid,
            "created_on": result.created_on,
        },
        default=result.value,
    )


def _preferred_urn(step: Any, contact: Contact) -> str | None:
    found = channels.preferred(step.assets, contact)
    return urn_text(found.address.text, step.environment.redacts_urns) if found else None


def _preferred_channel(step: Any, contact: Contact) -> Object | None:
    found = channels.preferred(step.assets, contact)
    return channel_object(step, found.channel) if found else None


def _field_lines(step: Any, contact: Contact) -> str:
    values = ((each.name, fields.value(each, contact.fields.get(each.key))) for each in step.assets.fields.values())
    return _lines((name, to_text(step.scope, value)) for name, value in values if value is not None)


def _lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(sorted(f"{name}: {value}" for name, value in pairs))
