"""Add a URN to the contact."""

from collections.abc import Generator, Iterable
from typing import Annotated, Any

from msgspec import Meta

from trunkline.core.urns import BadUrn
from trunkline.flows import addresses, modifiers
from trunkline.flows.actions.base import Action
from trunkline.flows.marks import template
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step

OUTPUT_LOCAL = "_has_urn"


class AddContactUrn(Action, frozen=True, kw_only=True):
    type = "add_contact_urn"

    scheme: Annotated[str, Meta(min_length=1, max_length=64)]
    path: Annotated[str, template()]

    def locals(self) -> Iterable[str]:
        return (OUTPUT_LOCAL,)

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        step.set_local(OUTPUT_LOCAL, "")
        path = step.evaluate(self.path)
        if not path.ok:
            return
        try:
            address = addresses.make(self.scheme, path.text.strip(), step.environment.default_country)
        except BadUrn as error:
            step.error(f"This URN is not valid: {error}", "urn:invalid", urn=f"{self.scheme}:{path.text.strip()[:255]}")
            return
        yield from step.change(modifiers.Urns((address.text,), "append"))
        if any(addresses.read(text).identity == address.identity for text in step.contact.urns):
            step.set_local(OUTPUT_LOCAL, address.identity)
