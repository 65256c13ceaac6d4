"""The public APIs as documents: for programs, and for people."""

from starlette.routing import Route

from trunkline.dialects.dispatch import Dialects
from trunkline.documents import machine, pages


def routes(dialects: Dialects) -> list[Route]:
    return [*machine.routes(dialects), *pages.routes(dialects)]
