"""Whom a broadcast or a started flow is for: groups, contacts, a query, URNs, and what templates name."""

import re
from typing import Any

from msgspec import Struct

from trunkline.contacts.query import lexing
from trunkline.core import phones
from trunkline.core.urns import BadUrn
from trunkline.flows import addresses, contact_urns
from trunkline.flows.assets import Group, Label, User
from trunkline.flows.sessions import Ref
from trunkline.flows.step import Step

UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\Z")


class Recipients(Struct):
    groups: list[Ref]
    contacts: list[Ref]
    contact_query: str
    urns: list[str]

    def __bool__(self) -> bool:
        return bool(self.groups or self.contacts or self.contact_query or self.urns)


def read(step: Step, action: Any) -> Recipients | None:
    """None, with an error, for groups and queries in a start for many: each contact would send to all of them."""
    if step.is_batch and (action.groups or action.contact_query):
        step.error("Groups and queries are not allowed here while a flow starts for many contacts.")
        return None
    found = Recipients(
        groups=[group.ref for group in groups(step, action.groups)],
        contacts=[Ref(contact.uuid, contact.name) for contact in action.contacts],
        contact_query=step.evaluate(action.contact_query, escape=lexing.quoted).text.strip(),
        urns=[address.identity for urn in action.urns if (address := contact_urns.normal(step, urn))],
    )
    for template in action.legacy_vars:
        _add(step, found, step.evaluate(template).text.strip())
    return found


def groups(step: Step, references: Any) -> list[Group]:
    """Those that exist; the others are errors."""
    return _resolved(step, references, step.assets.groups, step.assets.group_names, "group")


def labels(step: Step, references: Any) -> list[Label]:
    return _resolved(step, references, step.assets.labels, step.assets.label_names, "label")


def user(step: Step, reference: Any) -> User | None:
    """By uuid or email, fixed or computed."""
    if reference is None:
        return None
    if reference.uuid or reference.email:
        found = step.assets.users.get(reference.uuid) or step.assets.user_emails.get(reference.email.strip().lower())
        if found is None:
            step.missing("user", reference.uuid or reference.email, reference.name)
        return found
    evaluated = step.evaluate(reference.email_match)
    found = step.assets.user_emails.get(evaluated.text.strip().lower())
    if found is None and evaluated.ok:
        step.error(f"There is no user {evaluated.text.strip()!r}.", "user:missing", email=evaluated.text.strip())
    return found


def _resolved(step: Step, references: Any, known: Any, names: Any, kind: str) -> list[Any]:
    found = {}
    for reference in references:
        if reference.uuid:
            thing = known.get(reference.uuid)
            if thing is None:
                step.missing(kind, reference.uuid, reference.name)
        else:
            evaluated = step.evaluate(reference.name_match)
            name = evaluated.text.strip()
            thing = names.get(name.lower()) if name else None
            if thing is None and evaluated.ok:
                step.error(f"There is no {kind} {name!r}.", f"{kind}:missing", name=name)
        if thing is not None:
            found[thing.uuid] = thing
    return list(found.values())


def _add(step: Step, found: Recipients, text: str) -> None:
    """A uuid is a contact; then the name of a group, a URN, a phone number."""
    if UUID.match(text):
        found.contacts.append(Ref(text.lower()))
    elif group := step.assets.group_names.get(text.lower()):
        found.groups.append(group.ref)
    elif urn := _urn(step, text):
        found.urns.append(urn)
    else:
        step.error(f"{text[:100]!r} is no contact, group, URN or phone number.")


def _urn(step: Step, text: str) -> str:
    country = step.environment.default_country
    try:
        return addresses.parse(text, country).identity
    except BadUrn:
        pass
    try:
        return f"tel:{phones.parse(text, country or None)}"
    except phones.BadPhone:
        return ""
