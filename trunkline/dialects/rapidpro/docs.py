"""Documentation of the endpoints, made from the table that serves them: one page for each and one for all."""

from collections.abc import Sequence
from html import escape

import msgspec

from trunkline.dialects.base import Dialect, Operation
from trunkline.dialects.calls import Call

SUFFIX = ".json"


def page(dialect: Dialect, call: Call, endpoint: str) -> str | None:
    """The page of an endpoint, or with an empty name the page of all; None if there is no such endpoint."""
    if not endpoint:
        explorer = (
            f'<p><a href="{escape(call.url("/explorer/"))}">API Explorer</a>: try every endpoint in the browser.</p>'
        )
        return _page(dialect.title, _paragraphs(dialect.description) + explorer + _index(dialect, call))
    operations = [each for each in dialect.operations if f"/{endpoint}{SUFFIX}" in each.paths]
    if not operations:
        return None
    address = call.url(f"/{endpoint}{SUFFIX}")
    return _page(title(endpoint), f"<p><code>{escape(address)}</code></p>" + "".join(map(_operation, operations)))


def endpoints(dialect: Dialect) -> dict[str, list[Operation]]:
    """The operations of each endpoint, by name; unlisted ones too."""
    found: dict[str, list[Operation]] = {}
    for operation in dialect.operations:
        for path in operation.paths:
            if name := path.removeprefix("/").removesuffix(SUFFIX):
                found.setdefault(name, []).append(operation)
    return dict(sorted(found.items()))


def prefers_json(call: Call) -> bool:
    """Whether whoever asks for documentation wants it without any: a program that forgot the suffix."""
    accept = (call.header("accept") or "").lower()
    return "application/json" in accept and "text/html" not in accept


def title(endpoint: str) -> str:
    return endpoint.replace("_", " ").capitalize()


def _index(dialect: Dialect, call: Call) -> str:
    links = "".join(
        f'<li><a href="{escape(call.url(f"/{name}"))}">{escape(call.mount)}/{name}</a>: '
        f"{escape(', '.join(each.summary for each in operations))}</li>"
        for name, operations in endpoints(dialect).items()
        if name in LISTED
    )
    return f"<h2>Endpoints</h2><ul>{links}</ul>"


def _operation(operation: Operation) -> str:
    parts = [f"<h2>{operation.method}: {escape(operation.summary)}</h2>", _paragraphs(operation.doc)]
    asked = [(each.encode_name, "", _described(each.type)) for each in operation.query_fields()]
    if asked:
        parts.append(_table("Parameters", asked))
    given = [(name, "required" if field.required else "", field.help) for name, field in operation.rules.fields.items()]
    if given:
        parts.append(_table("Fields", given))
    return "".join(parts)


def _described(kind: object) -> str:
    for note in getattr(kind, "__metadata__", ()):
        if isinstance(note, msgspec.Meta) and note.description:
            return note.description
    return ""


def _table(caption: str, rows: Sequence[tuple[str, str, str]]) -> str:
    lines = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{need}</td><td>{escape(text)}</td></tr>"
        for name, need, text in rows
    )
    return f"<table><caption>{caption}</caption>{lines}</table>"


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(' '.join(part.split()))}</p>" for part in text.split("\n\n"))


def _page(heading: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}</title></head>'
        f"<body><h1>{escape(heading)}</h1>{body}</body></html>"
    )


LISTED = (
    "archives", "broadcasts", "campaigns", "campaign_events", "channels", "classifiers", "contacts", "contact_actions",
    "fields", "flow_starts", "flows", "globals", "groups", "labels", "media", "messages", "message_actions", "runs",
    "resthooks", "resthook_events", "resthook_subscribers", "tickets", "ticket_actions", "topics", "users", "workspace",
)  # fmt: skip
