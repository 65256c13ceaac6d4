"""Email addresses: one spelling for each mailbox, and nothing that could smuggle a header."""

import re


class BadEmail(ValueError):
    """Not an address that mail can be sent to; the text is a sentence for the user."""


def parse(text: str) -> str:
    """The address in lower case, an international domain in its ASCII form (`xn--…`).

    Comparing mailboxes without case is what every large provider does, and ASCII is what SMTP and DNS speak;
    show it to people with `shown`.
    """
    typed = text.strip(" \t")
    if len(typed) > 254:
        raise BadEmail("The email address must not be longer than 254 characters.")
    local, at, domain = typed.rpartition("@")
    if not at or not LOCAL.fullmatch(local) or len(local) > 64:
        raise BadEmail("The email address is not valid.")
    ascii_domain = domain.lower() if domain.isascii() else _ascii(domain)
    if not DOMAIN.fullmatch(ascii_domain) or len(local) + 1 + len(ascii_domain) > 254:
        raise BadEmail("The email address is not valid.")
    return f"{local.lower()}@{ascii_domain}"


def shown(address: str) -> str:
    """The address as people write it: an `xn--` domain in its own script."""
    local, _, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    import idna

    try:
        return f"{local}@{idna.decode(domain)}"
    except idna.IDNAError:
        return address


def _ascii(domain: str) -> str:
    import idna

    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise BadEmail("The domain of the email address is not valid.") from None


LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII | re.IGNORECASE)
# The last label is never all digits: that would be an IP address.
DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII
)
