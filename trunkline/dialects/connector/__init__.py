"""The connector dialect: contacts, lists and custom channels for programs, by one key for the whole account."""

from trunkline.dialects.connector import (
    contacts,
    custom_channels,
    lists,
    sessions,
    subaccounts,
    summaries,
    whatsapp,
    widget,
)
from trunkline.dialects.connector.dialect import connector

__all__ = [
    "connector",
    "contacts",
    "custom_channels",
    "lists",
    "sessions",
    "subaccounts",
    "summaries",
    "whatsapp",
    "widget",
]
