"""The platform dialect: contacts, conversations, tags and canned responses of a workspace, by token or as a user."""

from trunkline.dialects.platform import canned_responses, contacts, conversations, sign_in, tags, workspace
from trunkline.dialects.platform.dialect import platform

__all__ = ["canned_responses", "contacts", "conversations", "platform", "sign_in", "tags", "workspace"]
