"""The limits of what a message may hold, shared by the actions that write one."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.flows.marks import template
from trunkline.flows.references import ContactReference, GroupReference

Text = Annotated[str, template(10_000, localizable=True)]
Query = Annotated[str, template()]
Attachments = Annotated[tuple[Annotated[str, template(8192, localizable=True)], ...], Meta(max_length=10)]
QuickReplies = Annotated[tuple[Annotated[str, template(1000, localizable=True)], ...], Meta(max_length=10)]
Variables = Annotated[tuple[Annotated[str, template(localizable=True)], ...], Meta(max_length=100)]
LegacyVariables = tuple[Annotated[str, template()], ...]
Groups = Annotated[tuple[GroupReference, ...], Meta(max_length=100)]
Contacts = tuple[ContactReference, ...]
ResultName = Annotated[str, Meta(max_length=64)]


class Exclusions(Struct, frozen=True, kw_only=True):
    in_a_flow: bool = False
