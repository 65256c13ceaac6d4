"""Contents: what a message will say, from a template or a text of the caller's, with the variables filled in."""

import re
from collections.abc import Mapping

from msgspec import Struct

from trunkline.accounts import accounts
from trunkline.core import html as markup
from trunkline.core import text
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, TrunklineError
from trunkline.messaging import templates

MOST = {"sms": 1_600, "whatsapp": 4_096, "voice": 4_000, "email": 500_000}
"""Characters of a message, by kind of channel."""


class Unfit(TrunklineError):
    """The content cannot be said with these variables; `field` is where the caller can mend it."""

    def __init__(self, code: str, field: str, message: str) -> None:
        self.field = field
        super().__init__(message, code=code)


class Content(Struct, frozen=True):
    """Sources with their slots. E-mail has a subject, and HTML where the source is HTML."""

    channel: str
    text: str
    html: str | None = None
    subject: str | None = None
    template_id: int | None = None

    @property
    def source(self) -> str:
        return self.text if self.html is None else self.html

    def render(self, variables: Mapping[str, object]) -> "Said":
        """With the variables in it. Raises `Unfit` when one is missing, or when too much or nothing is left."""
        try:
            words = text.compile(self.text).render(variables)
            html = text.compile(self.html).render(variables, escape="html") if self.html is not None else None
            subject = text.compile(self.subject).render(variables, escape="header") if self.subject else self.subject
        except text.MissingVariables:
            message = f"Missing variables: {', '.join(self._unfilled(variables))}."
            raise Unfit("missing_variables", "variables", message) from None
        if len(html or words) > MOST[self.channel]:
            raise Unfit("too_long", "body", f"The message must not be longer than {MOST[self.channel]} characters.")
        if not (html or words).strip():
            raise Unfit("empty_message", "body", "Nothing is left of the message with these variables.")
        return Said(words, html, subject)

    def _unfilled(self, variables: Mapping[str, object]) -> list[str]:
        """The missing variables of all parts at once."""
        names: dict[str, None] = {}
        for part in (self.subject, self.html, self.text):
            try:
                text.compile(part or "").render(variables)
            except text.MissingVariables as missing:
                names |= dict.fromkeys(missing.names)
        return list(names)


class Said(Struct, frozen=True):
    text: str
    html: str | None
    subject: str | None


async def read(
    tx: Tx, channel: str, *, template_key: str | None = None, body: str | None = None, subject: str | None = None
) -> Content:
    """The content of a kind of channel from the one source that is given; raises `Invalid`.

    A mail without a subject is called by its first heading, else by the account.
    """
    body = body if body and body.strip() else None
    if template_key and body:
        raise Invalid({"body": ["Give either template_key or body, not both."]})
    if not template_key and not body:
        raise Invalid({"body": ["The body field is required when template_key is not present."]})
    template = await templates.find(tx, template_key, channel) if template_key else None
    source = template.body if template else body or ""
    if len(source) > MOST[channel]:
        raise Invalid({"body": [f"The body field must not be greater than {MOST[channel]} characters."]})
    template_id = template.id if template else None
    if channel != "email":
        return Content(channel, source, template_id=template_id)
    subject = (subject or "").strip() or (template.subject if template else None) or heading(source)
    subject = subject or (await accounts.current(tx)).name
    if not markup.is_html(source):
        return Content(channel, source, None, subject, template_id)
    return Content(channel, markup.to_text(source), source, subject, template_id)


def heading(html: str) -> str:
    """The text of the first heading, on one line; empty without one."""
    opening = HEADING.search(html)
    if opening is None:
        return ""
    closing = re.compile(f"</{opening[1]}", re.IGNORECASE).search(html, opening.end(), opening.end() + 2_000)
    return " ".join(markup.to_text(html[opening.end() : closing.start()]).split())[:255] if closing else ""


HEADING = re.compile(r"<(h[1-6])\b[^<>]{0,1000}>", re.IGNORECASE)
