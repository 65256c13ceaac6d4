"""What kinds of channels and their settings are called, and what is worth knowing before one connects them."""

from msgspec import Struct


class Kind(Struct, frozen=True):
    """`address` is what the channel's own address is here; empty when it has none."""

    title: str
    hint: str
    address: str = ""
    address_hint: str = ""
    needs_address: bool = False


KINDS = {
    "smtp": Kind(
        "Email",
        "Through your own mail relay: any provider that speaks SMTP.",
        "Sender address",
        "What recipients see, like hello@example.com.",
        needs_address=True,
    ),
    "webchat": Kind("Web chat", "A chat window on your site; one line of HTML puts it there."),
    "sip": Kind(
        "Calls (SIP)",
        "Calls by your telephone exchange or SIP provider; what is written is spoken.",
        "Number",
        "With the country code: +40740111222",
    ),
    "custom_http": Kind(
        "Your own program",
        "Messages are posted to an address of yours; whatever comes in, you post to us.",
        "Address",
        "How your program knows this channel.",
    ),
    "simulator": Kind(
        "Simulator",
        "The built-in carrier: everything is real but the phones. Good for trying things out.",
        "Number",
        "With the country code: +40740111222",
    ),
}

LABELS = {
    "host": "Server",
    "port": "Port",
    "username": "User name",
    "password": "Password",
    "tls": "Encryption",
    "from": "Sender",
    "from_name": "Sender's name",
    "dkim_domain": "DKIM domain",
    "dkim_selector": "DKIM selector",
    "dkim_key": "DKIM private key",
    "inbound_domain": "Domain of replies",
    "bounce_domain": "Domain of bounces",
    "url": "URL",
    "semantics": "After a lost answer",
    "as": "Counts as",
    "rate": "Messages a second",
    "proxy": "Proxy",
    "codec": "Codec",
    "language": "Language",
    "calls": "Calls at once",
    "ring_seconds": "Seconds to ring",
    "public_address": "Public address",
    "origins": "Sites",
    "title": "Title",
    "greeting": "Greeting",
    "colour": "Colour",
    "trust_uploads": "Whose files are taken",
    "assistant": "Assistant",
    "latency_ms": "Delay in milliseconds",
    "loss": "Chance of loss",
    "duplicate": "Chance of a duplicate",
    "auto_dlr": "Report deliveries",
    "answer": "What a call meets",
    "scheme": "Scheme of addresses",
}

HINTS = {
    "host": "Like smtp.example.com.",
    "from": "If it is not the address above.",
    "dkim_key": "In PEM form. Mail is then signed for the domain above.",
    "inbound_domain": "Mail to this domain must reach us; replies then find their conversation.",
    "bounce_domain": "Where refused mail comes back to, so that we see it.",
    "url": "We post each message here, signed.",
    "semantics": "Send again, which may repeat a message, or leave it, which may lose one.",
    "rate": "0 is as fast as it goes.",
    "proxy": "Host, or host:port.",
    "origins": "The sites that may show the window, with spaces between: https://shop.example. A star is every site.",
    "colour": "Like #1f5fbf.",
    "assistant": "Its id, where it is not the default one.",
    "loss": "From 0 to 1.",
    "duplicate": "From 0 to 1.",
}


def label(name: str) -> str:
    return LABELS.get(name, name)


def hint(name: str) -> str:
    return HINTS.get(name, "")
