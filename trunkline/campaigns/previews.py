"""Previews: what a broadcast would say to one contact, and which of its slots nobody can fill."""

import asyncio
from collections.abc import Collection
from typing import Any

from msgspec import Struct

from trunkline.campaigns.records import Broadcast
from trunkline.contacts import fields, values
from trunkline.core import mailhtml, text
from trunkline.core.db import Tx
from trunkline.core.text import MissingVariables
from trunkline.messaging import mailing

STANDARD = (
    "id", "name", "first_name", "last_name", "email", "phone", "title", "company", "city", "country", "language",
)  # fmt: skip
"""What every contact may have."""
NOWHERE = "#"
"""Where the links that each recipient has of their own lead in a preview."""


class Preview(Struct, frozen=True):
    """`html` is a whole document, None for what is no HTML mail; `empty` are slots that stay empty for this contact."""

    subject: str
    html: str | None
    text: str
    empty: list[str]


async def of(tx: Tx, broadcast: Broadcast, contact: int | None) -> Preview:
    """As the contact would get it; without one, as somebody would of whom nothing is known."""
    letter = mailhtml.Letter(None, broadcast.body)
    if broadcast.channel == "email":
        preview = broadcast.preview_text or ""
        letter = await asyncio.to_thread(
            mailhtml.letter, broadcast.html, broadcast.body, preview=preview, tracked=False
        )
    subject = broadcast.subject or (broadcast.variants[0]["subject"] if broadcast.variants else "")
    known = (await values.of_contacts(tx, [contact], {"company"})).get(contact, {}) if contact else {}
    known = {**known, **broadcast.variables, mailing.WAY_OUT: NOWHERE}
    return Preview(
        subject=text.compile(subject).render(known, escape="header", missing="empty"),
        html=text.compile(letter.html).render(known, escape="html", missing="empty") if letter.html else None,
        text=text.compile(letter.text).render(known, missing="empty"),
        empty=_missing([subject, letter.html or "", letter.text], _told(known)),
    )


async def strange(tx: Tx, broadcast: Broadcast) -> list[str]:
    """The slots without a default that no contact of this workspace can fill: surely slips of the pen."""
    keys = [field.key for field in await fields.all(tx)]
    known: dict[str, Any] = dict.fromkeys((*STANDARD, *keys, *(f"fields.{key}" for key in keys), mailing.WAY_OUT), "x")
    subjects = [variant["subject"] for variant in broadcast.variants or ()]
    texts = [broadcast.subject or "", *subjects, broadcast.body, broadcast.html or ""]
    missing = _missing(texts, {**known, **broadcast.variables})
    return [name for name in missing if not name.startswith("metadata.")]


def _told(known: dict[str, Any]) -> dict[str, Any]:
    """Without what is known to be nothing."""
    told = {name: value for name, value in known.items() if value != ""}
    return {**told, "fields": {name: value for name, value in known.get("fields", {}).items() if value != ""}}


def _missing(texts: Collection[str], known: dict[str, Any]) -> list[str]:
    names: dict[str, None] = {}
    for source in texts:
        try:
            text.compile(source).render(known)
        except MissingVariables as missing:
            names |= dict.fromkeys(missing.names)
    return list(names)
