"""The rapidpro dialect: version 2 of the API of RapidPro and TextIt."""

from trunkline.dialects.rapidpro import (
    contact_actions,
    contact_fields,
    contacts,
    globals,
    groups,
    labels,
    root,
    workspace,
)
from trunkline.dialects.rapidpro.dialect import rapidpro

__all__ = [
    "contact_actions",
    "contact_fields",
    "contacts",
    "globals",
    "groups",
    "labels",
    "rapidpro",
    "root",
    "workspace",
]
