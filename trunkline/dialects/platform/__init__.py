"""The platform dialect: contacts, conversations, tags and canned responses of a workspace, by token or as a user."""

from trunkline.dialects.platform import (
    ai,
    analytics,
    audiences,
    campaigns,
    canned_responses,
    contacts,
    conversations,
    knowledge,
    sign_in,
    tags,
    workflows,
    workspace,
)
from trunkline.dialects.platform.dialect import platform

__all__ = [
    "ai",
    "analytics",
    "audiences",
    "campaigns",
    "canned_responses",
    "contacts",
    "conversations",
    "knowledge",
    "platform",
    "sign_in",
    "tags",
    "workflows",
    "workspace",
]
