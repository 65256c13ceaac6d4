"""`trunkline routes` and `trunkline openapi`: what the APIs offer."""

from typing import Annotated, Any

import msgspec

from trunkline import dialects
from trunkline.commands.answers import Answer, table
from trunkline.core.config import Settings
from trunkline.core.errors import Refusal
from trunkline.dialects import openapi as descriptions
from trunkline.dialects.openapi import Route


def routes() -> Answer:
    """List the endpoints of all APIs."""
    rows = descriptions.routes()
    names = Route.__struct_fields__
    cells = [[getattr(row, name) for name in names] for row in rows]
    headings = [name.replace("_", " ").capitalize() for name in names]
    return Answer(rows, table(headings, cells, empty="No APIs."))


def openapi(settings: Settings, dialect: Annotated[str, "Name of the API."], /) -> Answer:
    """Print the OpenAPI document of an API."""
    if dialect not in dialects.DIALECTS:
        raise Refusal(f"There is no API {dialect!r}. The APIs are {', '.join(dialects.DIALECTS)}.", code="not_found")
    found: dict[str, Any] = descriptions.document(
        dialects.load(dialect), settings.public_url or "http://localhost:8080"
    )
    return Answer(found, msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
