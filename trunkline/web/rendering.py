"""Pages from templates, with the headers that keep other sites out."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from starlette.responses import HTMLResponse

from trunkline import __version__
from trunkline.web import assets, csrf

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
    """A whole page; `visitor` among the values puts their name and workspace on top."""
    text = _environment().get_template(template).render(values)
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


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
        asset=assets.path, version=__version__, csrf_field=csrf.FIELD, visitor=None, email="", problem=""
    )
    environment.filters.update(number=_number, span=_span, plural=_plural)
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


def _plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


COUNTED = 100_000

UNITS = [
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
]
