"""The developer dialect: companies, contacts and chats of an account, to read."""

from trunkline.dialects.developer import companies, contacts, conversations
from trunkline.dialects.developer.dialect import developer

__all__ = ["companies", "contacts", "conversations", "developer"]
