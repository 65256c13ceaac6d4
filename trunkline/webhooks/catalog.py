"""The catalogue: what endpoints can be told, and named sets of it."""

from collections.abc import Collection

from msgspec import Struct


class Kind(Struct, frozen=True):
    """`channels` are those on which it happens; empty when it has none."""

    name: str
    description: str
    channels: tuple[str, ...] = ()


class Profile(Struct, frozen=True):
    """A set of events that a later version may add to, on some channels or, if empty, on all."""

    key: str
    label: str
    events: tuple[str, ...]
    channels: tuple[str, ...] = ()


def wants(profile: str | None, events: Collection[str], name: str, channel: str | None = None) -> bool:
    """Whether an endpoint with this profile, or these events, is to be told; without a channel, whether on any."""
    if profile is None:
        return name in events
    if profile == EVERYTHING:
        return True
    chosen = PROFILES.get(profile)
    if chosen is None or name not in chosen.events:
        return False
    return not (channel and chosen.channels) or channel in chosen.channels


def names(profile: str | None, events: Collection[str]) -> list[str]:
    """The events of a profile, or these, in the order of the catalogue."""
    told = PROFILES[profile].events if profile in PROFILES else events
    return [name for name in EVENTS if name in told]


EVERYTHING = "*"
"""Also what this catalogue does not know: other dialects have words of their own."""

_TEXT = ("sms", "email", "whatsapp", "voice", "telegram", "web_chat", "custom")
_MAIL = ("email",)
_VOICE = ("voice",)

EVENTS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("message.queued", "A message that an API call or a person wrote waits for its turn.", _TEXT),
        Kind("message.sent", "The provider took the message.", _TEXT),
        Kind("message.delivered", "The message arrived.", _TEXT),
        Kind("message.read", "The recipient has seen the message.", _TEXT),
        Kind("message.failed", "The message will not arrive; `error` says why.", _TEXT),
        Kind("message.received", "Somebody wrote to you.", _TEXT),
        Kind("message.opened", "A person opened the mail, told once.", _MAIL),
        Kind("message.clicked", "A person followed a link of the mail, told once with the first `url`.", _MAIL),
        Kind("message.bounced", "A mailbox refused the mail, at once or later.", _MAIL),
        Kind("message.complained", "The recipient called the mail spam.", _MAIL),
        Kind("message.unsubscribed", "The recipient wants no more mail.", _MAIL),
        Kind("call.initiated", "The call is being set up.", _VOICE),
        Kind("call.ringing", "The phone rings.", _VOICE),
        Kind("call.answered", "Somebody picked up.", _VOICE),
        Kind("call.completed", "The call was spoken to its end.", _VOICE),
        Kind("call.failed", "The call could not be made; `error` says why.", _VOICE),
        Kind("call.busy", "The line was busy.", _VOICE),
        Kind("call.no_answer", "Nobody picked up.", _VOICE),
        Kind("contact.created", "There is a new contact."),
        Kind("contact.updated", "A contact's data, status or tags changed."),
        Kind("contact.deleted", "A contact was deleted; the data is what it was."),
        Kind("contact.opted_out", "One of the contact's addresses must not be written to any more."),
        Kind("campaign.started", "A campaign began to send."),
        Kind("campaign.completed", "A campaign has nothing left to send."),
        Kind("campaign.failed", "A campaign could not send."),
        Kind("template.approved", "A provider approved a template."),
        Kind("template.rejected", "A provider rejected a template; `reason` says why."),
        Kind("credits.low", "The balance came down to the account's threshold."),
    )
}

_STATUSES = ("message.queued", "message.sent", "message.delivered", "message.read", "message.failed")
_MESSAGES = tuple(name for name in EVENTS if name.startswith("message.") and name != "message.queued")
_OF_MAIL = {name for name in EVENTS if EVENTS[name].channels == _MAIL}
_OF_TEXT = tuple(name for name in _MESSAGES if name not in _OF_MAIL)
_CALLS = tuple(name for name in EVENTS if name.startswith("call."))

PROFILES: dict[str, Profile] = {
    profile.key: profile
    for profile in (
        Profile("all", "Everything", tuple(EVENTS)),
        Profile("sms_only", "SMS only", _OF_TEXT, ("sms",)),
        Profile("email_only", "Email only", _MESSAGES, ("email",)),
        Profile("whatsapp_only", "WhatsApp only", _OF_TEXT, ("whatsapp",)),
        Profile("voice_only", "Calls only", _CALLS, ("voice",)),
        Profile("delivery_only", "Delivery statuses of every channel", (*_STATUSES, "message.bounced", *_CALLS)),
        Profile("inbound_only", "Inbound messages only", ("message.received",)),
        Profile("contacts_only", "Contacts only", tuple(name for name in EVENTS if name.startswith("contact."))),
        Profile("campaigns_only", "Campaigns only", tuple(name for name in EVENTS if name.startswith("campaign."))),
    )
}
