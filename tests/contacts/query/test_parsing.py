"""Queries from text to normal form, and what is wrong with those that cannot be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.contacts import query
from trunkline.expressions.environment import Environment

NAMES = query.Names(
    [
        query.Field("age", "Age", "number"),
        query.Field("joined", "Joined", "datetime"),
        query.Field("color", "Color", "text"),
        query.Field("home", "Home", "state"),
        query.Field("name", "Name", "text"),
    ],
    [query.Ref("g1", "Testers"), query.Ref("g2", "Old & Wise")],
    [query.Ref("f1", "Registration")],
)
RWANDA = Environment(default_country="RW")
HIDDEN = Environment(default_country="RW", redaction_policy="urns")
DAY_FIRST = Environment(date_format="DD-MM-YYYY")


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("age > 18", "fields.age > 18"),
        ("AGE>18", "fields.age > 18"),
        ('age > "18"', "fields.age > 18"),
        ("age > 18.50", "fields.age > 18.50"),
        ('Fields.Age = ""', 'fields.age = ""'),
        ("name = Bob", 'name = "Bob"'),
        ("fields.name = Bob", 'fields.name = "Bob"'),
        ("name has bo", 'name ~ "bo"'),
        ("name IS bo", 'name = "bo"'),
        ("color is O'Brien-Smith_x/y:z@w.v+u", 'fields.color = "O\'Brien-Smith_x/y:z@w.v+u"'),
        (r'color = "a \"b\" \\ c"', r'fields.color = "a \"b\" \\ c"'),
        (r'color = "\q"', r'fields.color = "\\q"'),
        (r'color = "a\nb"', r'fields.color = "a\nb"'),
        ("tel = +250788123123", 'urns.tel = "+250788123123"'),
        ("urns.twitter ~ bob", 'urns.twitter ~ "bob"'),
        ("urn != x", 'urn != "x"'),
        ("group = testers", 'group = "testers"'),
        ("flow = registration OR history = Registration", 'flow = "registration" OR history = "Registration"'),
        ("created_on >= 2020-01-31", 'created_on >= "2020-01-31"'),
        ("status = Blocked AND language = eng", 'status = "Blocked" AND language = "eng"'),
        ("tickets > 0", "tickets > 0"),
        (
            'last_seen_on = "" and urn = "" or group != "" or tel = ""',
            '(last_seen_on = "" AND urn = "") OR group != "" OR urns.tel = ""',
        ),
        ("a or b and c", 'name = "a" OR (name = "b" AND name = "c")'),
        ("a b or c", '(name = "a" AND name = "b") OR name = "c"'),
        ("(a or b) c", '(name = "a" OR name = "b") AND name = "c"'),
        ("((a and (b))) and (c and d)", 'name = "a" AND name = "b" AND name = "c" AND name = "d"'),
        ("(age>1)(age<9)", "fields.age > 1 AND fields.age < 9"),
        ("नमस्ते", 'name ~ "नमस्ते"'),
    ],
)  # fmt: skip
def test_normal_form(typed: str, normal: str):
    read = query.parse(typed, RWANDA, NAMES)

    assert read.text == normal
    assert query.parse(normal, RWANDA, NAMES).tree == read.tree


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("ann", 'name ~ "ann"'),
        ("Ann Lee", 'name ~ "Ann" AND name ~ "Lee"'),
        ('"Ann Lee"', 'name ~ "Ann Lee"'),
        ("é", 'name = "é"'),
        ('"a b"', 'name = "a b"'),
        ("0788 123 123", 'urns.tel = "+250788123123"'),
        ("+250788123123", 'urns.tel = "+250788123123"'),
        ("0788123123 or ann", 'urns.tel ~ 0788123123 OR name ~ "ann"'),
        ("12-34", "urns.tel ~ 1234"),
        ("+1234", "urns.tel ~ 1234"),
        ("123", "name ~ 123"),
        ("tel:+250788123123", 'urns.tel = "+250788123123"'),
        ("twitter:Bob", 'urns.twitter = "Bob"'),
        ("mailto:ann@example.com", 'urns.mailto = "ann@example.com"'),
        ("nosuch:thing", 'name ~ "nosuch:thing"'),
        ("telegram:bob", 'name ~ "telegram:bob"'),
        ("ann@example.com", 'name ~ "ann@example.com"'),
    ],
)
def test_what_is_implied(typed: str, normal: str):
    assert query.parse(typed, RWANDA, NAMES).text == normal


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("0788123123", "name ~ 0788123123"),
        ("tel:+250788123123", 'name ~ "tel:+250788123123"'),
        ("ann", 'name ~ "ann"'),
        ("7KQ2VX", 'ref = "7KQ2VX"'),
        ('tel != ""', 'urns.tel != ""'),
    ],
)
def test_hidden_addresses_imply_nothing(typed: str, normal: str):
    assert query.parse(typed, HIDDEN, NAMES).text == normal


@pytest.mark.parametrize(
    ("typed", "code", "extra"),
    [
        ("", "syntax", {}),
        ("  ", "syntax", {}),
        ("and", "syntax", {}),
        ("a or", "syntax", {}),
        ("(a", "syntax", {}),
        ("a)", "syntax", {}),
        ("()", "syntax", {}),
        ("age >", "syntax", {}),
        ("age > (1)", "syntax", {}),
        ("= 5", "syntax", {}),
        ('"age" = 5', "syntax", {}),
        ("1age = 5", "syntax", {}),
        ("a.b.c = 5", "syntax", {}),
        ('color = "x', "syntax", {}),
        ("color = $x", "syntax", {}),
        ("color = x\0", "syntax", {}),
        ("name is has", "syntax", {}),
        ("age = x", "invalid_number", {"value": "x"}),
        ("age > 1e5", "invalid_number", {"value": "1e5"}),
        ('age > ""', "invalid_number", {"value": ""}),
        ("age = +5", "invalid_number", {"value": "+5"}),
        ("tickets = many", "invalid_number", {"value": "many"}),
        ("joined > soon", "invalid_date", {"value": "soon"}),
        ("created_on = 2020-13-01", "invalid_date", {"value": "2020-13-01"}),
        ('last_seen_on < ""', "invalid_date", {"value": ""}),
        ("status = happy", "invalid_status", {"value": "happy"}),
        ("language = english", "invalid_language", {"value": "english"}),
        ("group = Nobody", "invalid_group", {"value": "Nobody"}),
        ("flow = Nothing", "invalid_flow", {"value": "Nothing"}),
        ("history != Nothing", "invalid_flow", {"value": "Nothing"}),
        ("name ~ a", "invalid_partial_name", {"min_token_length": "2"}),
        ('name ~ "a - b"', "invalid_partial_name", {"min_token_length": "2"}),
        ("urn ~ ab", "invalid_partial_urn", {"min_value_length": "3"}),
        ("tel ~ 12", "invalid_partial_urn", {"min_value_length": "3"}),
        ("age ~ 12", "unsupported_contains", {"property": "age"}),
        ("fields.color ~ red", "unsupported_contains", {"property": "color"}),
        ("uuid ~ abc", "unsupported_contains", {"property": "uuid"}),
        ("color > 5", "unsupported_comparison", {"property": "color", "operator": ">"}),
        ("tel >= 5", "unsupported_comparison", {"property": "tel", "operator": ">="}),
        ("name < b", "unsupported_comparison", {"property": "name", "operator": "<"}),
        ("home <= x", "unsupported_comparison", {"property": "home", "operator": "<="}),
        ('uuid = ""', "unsupported_setcheck", {"property": "uuid", "operator": "="}),
        ('id != ""', "unsupported_setcheck", {"property": "id", "operator": "!="}),
        ('ref = ""', "unsupported_setcheck", {"property": "ref", "operator": "="}),
        ('status = ""', "unsupported_setcheck", {"property": "status", "operator": "="}),
        ('created_on = ""', "unsupported_setcheck", {"property": "created_on", "operator": "="}),
        ('tickets = ""', "unsupported_setcheck", {"property": "tickets", "operator": "="}),
        ("things.age = 5", "unknown_property_type", {"type": "things"}),
        ("beard = long", "unknown_property", {"property": "beard"}),
        ("fields.beard = long", "unknown_property", {"property": "beard"}),
        ("urns.beard = long", "unknown_property", {"property": "beard"}),
        ("x" * 10_001, "too_complex", {}),
        (" ".join(["ab"] * 251), "too_complex", {}),
        ("(" * 101 + "ab" + ")" * 101, "too_complex", {}),
    ],
)
def test_errors(typed: str, code: str, extra: dict[str, str]):
    with pytest.raises(query.QueryError) as refused:
        query.parse(typed, RWANDA, NAMES)

    assert (refused.value.code, refused.value.extra) == (code, extra)


@pytest.mark.parametrize("typed", ["tel = 5", "urn ~ 0788", "urns.twitter != bob", "ann or tel ~ 123"])
def test_hidden_addresses_are_not_searched(typed: str):
    with pytest.raises(query.QueryError) as refused:
        query.parse(typed, HIDDEN, NAMES)

    assert refused.value.code == "redacted_urns"


@pytest.mark.parametrize(
    "typed", ["x" * 10_000, " ".join(["ab"] * 250), "(" * 100 + "ab" + ")" * 100], ids=["long", "wide", "deep"]
)
def test_the_limits_themselves_are_allowed(typed: str):
    assert query.parse(typed).text


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("beard = long", 'fields.beard = "long"'),
        ("age > x", 'fields.age > "x"'),
        ("group = Nobody", 'group = "Nobody"'),
        ("flow != Nothing", 'flow != "Nothing"'),
    ],
)
def test_without_a_workspace_names_are_taken_as_they_are(typed: str, normal: str):
    assert query.parse(typed).text == normal


def test_the_tree_is_flat():
    tree = query.parse("(age = 1 and tel ~ 123) and (name ~ ann or (urn = x or age = 2))", RWANDA, NAMES).tree

    def leaf(kind: str, key: str, operator: str, value: str) -> dict[str, str]:
        return {"type": "condition", "property_type": kind, "property": key, "operator": operator, "value": value}

    alternatives = [
        leaf("attribute", "name", "~", "ann"),
        leaf("attribute", "urn", "=", "x"),
        leaf("field", "age", "=", "2"),
    ]
    assert tree == {
        "type": "and",
        "children": [
            leaf("field", "age", "=", "1"),
            leaf("scheme", "tel", "~", "123"),
            {"type": "or", "children": alternatives},
        ],
    }


def test_inspection():
    found = query.parse(
        "tel = 123 name = x (age > 5 or created_on > 2020-01-01) group = testers age < 9 ext = z", RWANDA, NAMES
    )

    assert found.inspection.document() == {
        "attributes": ["created_on", "group", "name"],
        "schemes": ["ext", "tel"],
        "fields": [{"key": "age", "name": "Age"}],
        "groups": [{"uuid": "g1", "name": "Testers"}],
        "allow_as_group": False,
    }
    assert found.touches == ["created_on", "fields.age", "group", "name", "urns"]


@pytest.mark.parametrize(
    ("typed", "allowed"),
    [
        ("age > 5 and urn ~ 123 and uuid = x and tickets = 0 and last_seen_on = 2020-01-01 and language = eng", True),
        ("id = 5", False),
        ("ref = x", False),
        ("status = active", False),
        ("group = Testers", False),
        ('flow = ""', False),
        ("ann or history = Registration", False),
        ("fields.name = x", True),
    ],
)
def test_what_can_define_a_group(typed: str, allowed: bool):
    assert query.parse(typed, RWANDA, NAMES).inspection.allow_as_group is allowed


def test_groups_of_no_workspace_are_named():
    assert query.parse("group = Testers").inspection.document()["groups"] == [{"name_match": "Testers"}]


TEXT = st.text(st.characters(codec="utf-8"), max_size=40) | st.text("ab1 ()\"\\=~<>!.:'@-+", max_size=30)
WORDS = st.lists(
    st.sampled_from(
        ["age", "name", "tel", ">", "=", "~", "!=", "and", "OR", "(", ")", '"x y"', "5", "ann", '""', "fields.color"]
    ),
    max_size=12,
).map(" ".join)  # fmt: skip


@given(TEXT | WORDS, st.sampled_from([None, NAMES]), st.sampled_from([RWANDA, HIDDEN, DAY_FIRST]))
def test_any_text_is_read_or_refused_and_its_normal_form_reads_back(
    typed: str, names: query.Names | None, environment: Environment
):
    try:
        read = query.parse(typed, environment, names)
    except query.QueryError as error:
        assert all(isinstance(value, str) for value in [error.message, *error.extra.values()])  # noqa: PT017
        return

    assert query.parse(read.text, environment, names).tree == read.tree


@given(TEXT)
def test_any_text_can_stand_in_a_query(value: str):
    text = value.replace("\0", "")

    read = query.parse(f"color = {query.literal(text)}")

    assert read.tree["value"] == text
