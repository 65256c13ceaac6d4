"""The portal dialect: messages, contacts, campaigns and templates for programs, by API key."""

from trunkline.dialects.portal import campaigns, contacts, messages, onboarding, templates
from trunkline.dialects.portal.dialect import portal

__all__ = ["campaigns", "contacts", "messages", "onboarding", "portal", "templates"]
