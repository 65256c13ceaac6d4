"""The portal dialect: messages, calls, contacts, campaigns, templates and webhooks for programs, by API key."""

from trunkline.dialects.portal import calls, campaigns, contacts, messages, onboarding, templates, webhooks
from trunkline.dialects.portal.dialect import portal

__all__ = ["calls", "campaigns", "contacts", "messages", "onboarding", "portal", "templates", "webhooks"]
