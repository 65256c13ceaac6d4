"""Pages from templates, with the headers that keep other sites out."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from trunkline import __version__
from trunkline.core import clock
from trunkline.web import assets, csrf, menu, words
from trunkline.web.preferences import Preferences

TEMPLATES = Path(__file__).parent / "templates"

POLICY = "; ".join(
    [
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not no-referrer: with that, browsers hide the origin of our own forms from us.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def page(template: str, status: int = 200, headers: Mapping[str, str] | None = None, /, **values: Any) -> HTMLResponse:
    """A whole page; `visit` among the values puts the menu beside it, `preferences` say how it looks."""
    text = _environment().get_template(template).render(_complete(values))
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


def part(template: str, block: str, status: int, values: Mapping[str, Any]) -> HTMLResponse:
    """One block of a page, for a script that puts it where the old one was."""
    found = _environment().get_template(template)
    context = found.new_context(_complete(values))
    return HTMLResponse("".join(found.blocks[block](context)), status, HEADERS)


def _complete(values: Mapping[str, Any]) -> dict[str, Any]:
    """`_` are the reader's words: `{{ _("Close") }}`. `parts` and `icon` need no import, blocks alone included."""
    preferences = values.get("preferences") or PLAIN
    complete = {"preferences": preferences, "_": preferences.words, **values}
    environment = _environment()
    complete["icon"] = environment.get_template("icons.html").module.icon
    if complete.get("visit"):
        complete["parts"] = environment.get_template("parts.html").make_module(complete)
    return complete


@cache
def _environment() -> Any:
    # Loaded with the first page: commands and workers never need it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        asset=assets.path,
        version=__version__,
        csrf_field=csrf.FIELD,
        menu=menu.of,
        languages=words.LANGUAGES,
        zip=zip,
        visit=None,
        visitor=None,
        said="",
        email="",
        problem="",
    )
    environment.filters.update(number=_number, span=_span, plural=_plural, when=_when)
    return environment


def _number(value: int) -> str:
    """`12,345`; counts that stop at 100,000 say that they did."""
    return "100,000+" if value == COUNTED else f"{value:,}"


def _span(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h`, `5 d`: the greatest unit that is at least one."""
    whole = timedelta(seconds=max(0, int(seconds)))
    for unit, name in UNITS:
        if whole >= unit:
            return f"{whole // unit} {name}"
    return "0 s"


def _when(at: datetime | None, visit: Any, style: str = "ago") -> str:
    """A moment for a person: how long ago, or on the workspace's clock; scripts keep the first one current."""
    if at is None:
        return ""
    there = at.astimezone(visit.zone)
    full = f"{there:%Y-%m-%d %H:%M}"
    shown = full if style == "full" else f"{there:%Y-%m-%d}" if style == "day" else _ago(at, visit.words)
    kept = Markup(' data-ago=""') if style == "ago" else ""
    return Markup('<time datetime="{}" title="{} {}"{}>{}</time>').format(
        at.isoformat(timespec="milliseconds"), full, there.tzname() or "", kept, escape(shown)
    )


def _ago(at: datetime, _: words.Words) -> str:
    seconds = (clock.now() - at).total_seconds()
    if -60 < seconds < 60:
        return _("now")
    return _("{span} ago", span=_span(seconds)) if seconds > 0 else _("in {span}", span=_span(-seconds))


def _plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


COUNTED = 100_000
PLAIN = Preferences(None, words.of("en"))

UNITS = [
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
]
