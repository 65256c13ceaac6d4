"""Whether somebody satisfies a query."""

from typing import Any

import pytest

from trunkline.contacts import query, refs
from trunkline.contacts.query import subjects
from trunkline.expressions.environment import Environment

NAMES = query.Names(
    [
        query.Field("age", "Age", "number"),
        query.Field("joined", "Joined", "datetime"),
        query.Field("color", "Color", "text"),
        query.Field("home", "Home", "state"),
        query.Field("area", "Area", "district"),
    ],
    [query.Ref("g1", "Testers"), query.Ref("g2", "Others")],
    [query.Ref("f1", "Registration"), query.Ref("f2", "Poll")],
)
# Kigali is two hours ahead of UTC all year.
KIGALI = Environment(timezone="Africa/Kigali", date_format="DD-MM-YYYY")
ANN: dict[str, Any] = {
    "uuid": "8a1e4a5c-5f0b-4b0e-9b5e-0d2f6f2b7c11",
    "id": 1234,
    "ref": "7KQ2VX",
    "name": "Ann-Marie O'Neil Constantinople",
    "status": "active",
    "language": "eng",
    "created_on": "2020-01-01T22:30:00Z",
    "urns": ["tel:+250788123123?channel=x", "twitter:annie#Annie"],
    "groups": [{"uuid": "g1", "name": "Testers"}],
    "flow": {"uuid": "f2", "name": "Poll"},
    "history": [{"uuid": "f1", "name": "Registration"}, {"uuid": "f2", "name": "Poll"}],
    "tickets": [{"uuid": "t1", "topic": {"uuid": "x", "name": "General"}}, {"uuid": "t2", "status": "closed"}],
    "fields": {
        "age": {"text": "36.5", "number": 36.5},
        "joined": {"text": "2020-01-02T10:00:00Z", "datetime": "2020-01-02T10:00:00+02:00"},
        "color": {"text": " Dark Red "},
        "home": {"text": "Kigali", "state": "Rwanda > Kigali City"},
        "area": {"text": "no place"},
    },
}


@pytest.mark.parametrize(
    "typed",
    [
        "uuid = 8A1E4A5C-5F0B-4B0E-9B5E-0D2F6F2B7C11", "id = 1234", "id != 123", "ref = 7kq2vx",
        "name = \"ann-marie o'neil constantinople\"", "name != ann", "name ~ ann", "name ~ MAR", "name ~ \"zz o'ne\"",
        "name ~ constantin", "name ~ constantxxxxx OR name ~ constantia", 'name != ""',
        "status = ACTIVE", "status != blocked", "language = Eng", "language != fra", 'language != ""',
        "tel = +250788123123", "tel ~ 8812", "urn ~ ANN", "urn = annie", "urn != bob", 'mailto = ""', 'tel != ""',
        "mailto != x@y.z", "group = testers", "group != others", 'group != ""', "flow = poll", "flow != registration",
        "history = registration", "history = poll", 'history != ""',
        "tickets = 1", "tickets > 0", "tickets != 2", "tickets <= 1.0",
        # 22:30 in UTC is the next day in Kigali.
        "created_on = 02-01-2020", "created_on != 01-01-2020", "created_on > 01-01-2020", "created_on >= 02-01-2020",
        "created_on <= 02-01-2020", "created_on < 03-01-2020", "created_on = 2020-01-02",
        "created_on < 2020-01-03T05:00:00Z",
        'last_seen_on = ""', "last_seen_on != 01-01-2020",
        "age = 36.50", "age > 36", "age >= 36.5", "age < 37", "age <= 36.5", "age != 36", 'age != ""',
        "joined = 02-01-2020", "joined <= 02-01-2020",
        'color = "dark red"', "color != red", 'home = "kigali city"', 'home = "X > Kigali City"', "home != kigali",
        'area = ""', "area != x",
        "color = x OR age > 1", "name ~ ann AND age > 1 AND NOTHING OR tel ~ 788",
    ],
)  # fmt: skip
def test_holds(typed: str):
    assert query.parse(typed, KIGALI, NAMES).matches(subjects.read(ANN))


@pytest.mark.parametrize(
    "typed",
    [
        "uuid = x", "id = 12345", "name ~ nn", "name ~ xconstan", "name = ann", "name ~ \"a marieanne\"", 'name = ""',
        "status = blocked", "language = fra", 'language = ""', "tel = 250788123123", "tel = annie", "tel ~ ann",
        "urn != annie", 'urn = ""', "urn ~ tel", "urn ~ channel", "group = others", "group != testers", 'group = ""',
        "flow = registration", 'flow = ""', "history != poll", 'history = ""', "tickets = 2", "tickets > 1",
        "created_on = 01-01-2020", "created_on > 02-01-2020", "created_on < 02-01-2020", "created_on >= 03-01-2020",
        "last_seen_on > 01-01-2020", "last_seen_on < 01-01-2020", 'last_seen_on != ""', "age = 36", "age > 36.5",
        "age < 36.5", 'age = ""', "joined > 02-01-2020", "joined != 02-01-2020", "color = red", 'color = ""',
        "home = kigali", 'home = ""', 'area != ""', "area = \"no place\"", "color = x AND age > 1",
    ],
)  # fmt: skip
def test_does_not_hold(typed: str):
    assert not query.parse(typed, KIGALI, NAMES).matches(subjects.read(ANN))


@pytest.mark.parametrize(
    ("typed", "holds"),
    [
        ("age > 30", True),
        ("age = 36.50", True),
        ("age != 36.5", False),
        ("age > 40", False),
        ("joined > 01-01-2020", True),
        ("joined > 02-01-2020", False),
        ('color = "dark red"', True),
        ("color > red", False),
        ("beard = x", False),
        ("beard != x", True),
        ('beard = ""', True),
        ('color != ""', True),
        ("group = TESTERS", True),
        ("flow = poll", True),
    ],
)
def test_without_a_workspace_values_are_compared_as_what_they_are(typed: str, holds: bool):
    assert query.parse(typed, KIGALI).matches(subjects.read(ANN)) is holds


def test_the_ref_is_worked_out_where_none_is_given():
    nobody = subjects.read({"uuid": "x", "id": 77})

    assert query.parse(f"ref = {refs.of(77)}").matches(nobody)


def test_case_is_ignored_in_every_script():
    person = subjects.read({"name": "ΟΔΥΣΣΕΥΣ İrem"})

    assert query.parse('name = "οδυσσευσ irem"').matches(person)
