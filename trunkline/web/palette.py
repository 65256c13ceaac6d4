"""The command palette: pages to go to, and people found by what is typed."""

from msgspec import Struct
from starlette.responses import Response

from trunkline.contacts import listing
from trunkline.contacts.listing import Filter
from trunkline.contacts.records import Contact
from trunkline.web import menu
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("palette")

MOST_PEOPLE = 8
LEAST_LETTERS = 2


class Found(Struct, frozen=True):
    path: str
    title: str
    hint: str
    icon: str


@pages.get("/palette")
async def found(visit: Visit) -> Response:
    """What fits the words that were typed; the whole menu when there are none."""
    words = visit.query.text("q", most=200)
    entries = [Found(each.path, visit.words(each.title), "", each.icon) for each in menu.of(visit)]
    folded = words.casefold()
    chosen = [each for each in entries if folded in each.title.casefold()]
    if len(words) >= LEAST_LETTERS:
        chosen += await _people(visit, words)
    return visit.page("palette.html", block="found", found=chosen)


async def _people(visit: Visit, words: str) -> list[Found]:
    async with visit.tx() as tx:
        people = await listing.page(tx, Filter(search=words), limit=MOST_PEOPLE)
    return [Found(f"/contacts/{each.id}", each.name or _address(each), _address(each), "people") for each in people]


def _address(contact: Contact) -> str:
    return contact.email or contact.phone or f"#{contact.id}"
