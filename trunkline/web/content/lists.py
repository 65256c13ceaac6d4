"""Content: what is written once and used often. Each list is a shelf; knowledge has pages of its own."""

from collections.abc import Sequence
from typing import Any, TypeVar

from starlette.responses import Response

from trunkline.contacts import fields, tags
from trunkline.core.db import Tx
from trunkline.flows import globals as values
from trunkline.inbox import canned, topics
from trunkline.messaging import labels, templates
from trunkline.messaging.templates import Draft
from trunkline.web.content import shelves
from trunkline.web.content.shelves import Field, Shelf
from trunkline.web.forms import Form
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("content")

Option = TypeVar("Option", bound=str)

CHANNELS = ("sms", "email", "whatsapp", "voice")
COLORS = ("#3b82f6", "#22c55e", "#eab308", "#ef4444", "#a855f7", "#64748b")
COLOR_TITLES = ("Blue", "Green", "Yellow", "Red", "Purple", "Grey")


@pages.get("/content")
async def start(visit: Visit) -> Response:
    return visit.to("/content/templates")


def _draft(form: Form) -> Draft:
    return Draft(
        key=form.text("key", most=100),
        channel=form.text("channel"),
        body=form.text("body", most=100_000),
        name=form.text("name", most=255),
        language=form.text("language", most=20) or "en",
        subject=form.text("subject", most=255) or None,
    )


async def _new_template(tx: Tx, form: Form) -> object:
    return await templates.create(tx, _draft(form))


async def _template(tx: Tx, row: Any, form: Form) -> object:
    return await templates.update(tx, row.id, _draft(form))


async def _no_template(tx: Tx, row: Any) -> object:
    return await templates.delete(tx, row.id)


async def _new_canned(tx: Tx, form: Form) -> object:
    return await canned.create(tx, form.text("title"), form.text("body", most=20_000), form.text("shortcut") or None)


async def _canned(tx: Tx, row: Any, form: Form) -> object:
    return await canned.update(
        tx, row.id, form.text("title"), form.text("body", most=20_000), form.text("shortcut") or None
    )


async def _no_canned(tx: Tx, row: Any) -> object:
    return await canned.delete(tx, row.id)


async def _new_label(tx: Tx, form: Form) -> object:
    return await labels.create(tx, form.text("name", most=64))


async def _label(tx: Tx, row: Any, form: Form) -> object:
    return await labels.rename(tx, row.id, form.text("name", most=64))


async def _no_label(tx: Tx, row: Any) -> object:
    return await labels.delete(tx, row.id)


async def _new_tag(tx: Tx, form: Form) -> object:
    given = form.text("color")
    return await tags.create(tx, form.text("name", most=50), color=given if given in COLORS else None)


async def _tag(tx: Tx, row: Any, form: Form) -> object:
    given = form.text("color")
    return await tags.update(tx, row.id, name=form.text("name", most=50), color=given if given in COLORS else None)


async def _no_tag(tx: Tx, row: Any) -> object:
    return await tags.delete(tx, row.id)


async def _new_field(tx: Tx, form: Form) -> object:
    return await fields.create(tx, form.text("label", most=36), _type(form))


async def _field(tx: Tx, row: Any, form: Form) -> object:
    access = _one_of(form.text("agent_access"), ACCESS)
    return await fields.update(tx, row.key, label=form.text("label", most=36), type=_type(form), agent_access=access)


def _type(form: Form) -> fields.Type:
    return _one_of(form.text("type"), fields.TYPES)


def _one_of(said: str, options: Sequence[Option]) -> Option:
    """The option that was chosen; a form of ours says no other, so anything else is the first one."""
    return next((option for option in options if option == said), options[0])


async def _new_value(tx: Tx, form: Form) -> object:
    return await values.create(tx, form.text("name", most=36), form.text("value", most=10_000))


async def _value(tx: Tx, row: Any, form: Form) -> object:
    return await values.update(tx, row.key, form.text("value", most=10_000))


async def _new_topic(tx: Tx, form: Form) -> object:
    return await topics.create(tx, form.text("name", most=64))


async def _topic(tx: Tx, row: Any, form: Form) -> object:
    return await topics.rename(tx, row, form.text("name", most=64))


ACCESS: tuple[fields.Access, ...] = ("none", "view", "edit")
NAME = Field("name", "Name", required=True, most=64)

SHELVES = [
    Shelf(
        "/content/templates",
        "Templates",
        "Messages that programs and campaigns send by their key.",
        "Template",
        [("key", "Key"), ("channel", "Channel"), ("language", "Language"), ("status", "Status"), ("body", "Text")],
        [
            Field("key", "Key", hint="Small letters, digits and underscores", required=True),
            Field("channel", "Channel", "choice", options=CHANNELS),
            Field("name", "Name"),
            Field("language", "Language"),
            Field("subject", "Subject"),
            Field("body", "Text", "area", hint="{{name}} stands for a variable", required=True, most=100_000),
        ],
        templates.all_of,
        _new_template,
        _template,
        _no_template,
    ),
    Shelf(
        "/content/canned",
        "Canned responses",
        "Answers to what is asked again and again: typed as / in the inbox.",
        "Canned response",
        [("title", "Title"), ("shortcut", "Shortcut"), ("body", "Text")],
        [
            Field("title", "Title", required=True),
            Field("shortcut", "Shortcut"),
            Field("body", "Text", "area", required=True, most=20_000),
        ],
        canned.all_of,
        _new_canned,
        _canned,
        _no_canned,
        level="interact",
    ),
    Shelf(
        "/content/tags",
        "Tags",
        "Words that people stick on contacts.",
        "Tag",
        [("name", "Name"), ("count", "Contacts")],
        [NAME, Field("color", "Colour", "choice", options=COLORS, titles=COLOR_TITLES)],
        tags.all,
        _new_tag,
        _tag,
        _no_tag,
    ),
    Shelf(
        "/content/labels",
        "Labels",
        "Words that flows and people stick on messages.",
        "Label",
        [("name", "Name"), ("size", "Messages")],
        [NAME],
        labels.all_of,
        _new_label,
        _label,
        _no_label,
    ),
    Shelf(
        "/content/fields",
        "Fields",
        "What is known of a contact besides name and addresses.",
        "Field",
        [("label", "Name"), ("key", "Key"), ("type", "Type"), ("agent_access", "Agents may")],
        [
            Field("label", "Name", required=True),
            Field("type", "Type", "choice", options=fields.TYPES),
            Field("agent_access", "Agents may", "choice", options=ACCESS),
        ],
        fields.all,
        _new_field,
        _field,
        key="key",
    ),
    Shelf(
        "/content/globals",
        "Globals",
        "Values that all flows can use: @globals.key",
        "Global",
        [("name", "Name"), ("key", "Key"), ("value", "Value")],
        [Field("name", "Name", required=True, once=True), Field("value", "Value", "area", required=True)],
        values.all_of,
        _new_value,
        _value,
        key="key",
    ),
    Shelf(
        "/content/topics",
        "Topics",
        "What tickets are about.",
        "Topic",
        [("name", "Name")],
        [NAME],
        topics.all_of,
        _new_topic,
        _topic,
    ),
]

TABS = [*((shelf.path, shelf.title) for shelf in SHELVES), ("/content/knowledge", "Knowledge")]

for shelf in SHELVES:
    shelves.put(pages, shelf, TABS)
