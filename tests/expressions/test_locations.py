"""Places found by name, alias and path."""

import pytest

from tests.expressions import typed
from trunkline.expressions import locations
from trunkline.expressions.locations import DISTRICT, STATE, WARD, Placed

KIGALI = "Rwanda > Kigali City"
GASABO = f"{KIGALI} > Gasabo"
GISOZI = f"{GASABO} > Gisozi"


@pytest.fixture(scope="module")
def places() -> locations.Hierarchy:
    hierarchy = locations.read(typed.PLACES)
    assert hierarchy
    return hierarchy


def test_a_path_is_found_whatever_its_case_and_spacing(places: locations.Hierarchy):
    found = places.at("rwanda>KIGALI  city > Gasabo")

    assert found
    assert (found.path, found.level) == (GASABO, DISTRICT)


def test_a_path_that_does_not_exist_is_nothing(places: locations.Hierarchy):
    assert places.at("Rwanda > Gasabo") is None


def test_a_name_of_two_words_is_found_among_others(places: locations.Hierarchy):
    assert [place.name for place in places.mentioned("from the Eastern, Province?", STATE)] == ["Eastern Province"]


def test_a_name_that_two_places_share_is_nobodys(places: locations.Hierarchy):
    assert places.only("Centre", DISTRICT) is None
    assert len(places.mentioned("Centre", DISTRICT)) == 2


def test_a_parent_tells_them_apart(places: locations.Hierarchy):
    found = places.only("Market", WARD, places.at(KIGALI))

    assert found
    assert found.path == f"{KIGALI} > Centre > Market"


def test_parts_of_words_are_no_names(places: locations.Hierarchy):
    assert places.mentioned("Gasabos", DISTRICT) == []


@pytest.mark.parametrize(
    ("text", "kind", "known", "expected"),
    [
        ("Kigali", "text", {}, Placed(KIGALI)),
        ("I am in Kigali", "state", {}, Placed(KIGALI)),
        ("Gasabo", "district", {"state": KIGALI}, Placed(KIGALI, GASABO)),
        ("Gasabo", "district", {"state": "Rwanda > Eastern Province"}, Placed()),
        ("Gasabo", "district", {}, Placed()),
        ("Gisozi", "ward", {"district": GASABO}, Placed(KIGALI, GASABO, GISOZI)),
        ("Gisozi", "ward", {"state": KIGALI}, Placed()),
        (GISOZI, "state", {}, Placed(KIGALI, GASABO, GISOZI)),
        ("Rwanda > Nowhere", "text", {}, Placed()),
        ("nothing", "text", {}, Placed()),
    ],
)
def test_a_field_is_placed_inside_what_is_known_of_the_contact(
    places: locations.Hierarchy, text: str, kind: str, known: dict[str, str], expected: Placed
):
    assert locations.place(places, text, kind, **known) == expected


def test_without_locations_nothing_is_placed():
    assert locations.read(None) is None
    assert locations.read([]) is None
    assert locations.place(None, "Kigali") == Placed()


def test_what_is_no_hierarchy_is_refused():
    with pytest.raises(locations.BadLocations):
        locations.read([{"aliases": []}])
