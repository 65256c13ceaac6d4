"""The portal dialect: messages, contacts, campaigns, templates and webhooks for programs, by API key."""

from trunkline.dialects.portal import campaigns, contacts, messages, onboarding, templates, webhooks
from trunkline.dialects.portal.dialect import portal

__all__ = ["campaigns", "contacts", "messages", "onboarding", "portal", "templates", "webhooks"]
