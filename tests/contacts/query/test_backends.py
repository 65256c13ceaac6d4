"""The two ways to ask a query, in memory and in the database, agree on whoever and whatever is asked."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from trunkline.contacts import query, readings, refs
from trunkline.contacts.query import compiling, narrowing, subjects
from trunkline.expressions.environment import Environment

GROUPS = [query.Ref(f"00000000-0000-4000-8000-00000000000{n}", name, n) for n, name in enumerate(["Ann's", "VIP"], 1)]
FLOWS = [query.Ref(f"00000000-0000-4000-8000-0000000000f{n}", name, n) for n, name in enumerate(["Reg", "Poll"], 1)]
TYPES = {"color": "text", "age": "number", "joined": "datetime", "home": "state", "area": "district", "spot": "ward"}
NAMES = query.Names([query.Field(key, key.title(), type) for key, type in TYPES.items()], GROUPS, FLOWS)  # type: ignore[arg-type]
ENVIRONMENTS = [
    Environment(timezone="Africa/Kigali", date_format="DD-MM-YYYY", obfuscation_key=(1, 2, 3, 4)),
    Environment(timezone="America/Sao_Paulo"),
]

MOMENTS = st.datetimes(datetime(2019, 12, 30), datetime(2020, 1, 4), timezones=st.just(UTC)) | st.sampled_from(
    [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=hours) for hours in (-3, -2, 0, 22, 24)]
)
NAME = st.sampled_from(
    [
        "",
        "Ann",
        "ann lee",
        "ANN-Marie O'Neil",
        "Bob",
        "İrem Şahin",
        "ΟΔΥΣΣΕΥΣ",
        "李小龙",
        "Jo",
        "Zoë_x",
        "éa",
        "नमस्ते दुनिया",
        "Ⓐan 🅱jo",
        "(an) «jo»",
        "o'an_jo",
    ]
) | st.text(st.sampled_from("aAbB éß'-_.李🙂Σ"), max_size=8)
TEXT = st.sampled_from(
    ["red", "Red", " RED ", "dark red", "5", "5.0", "05", "x" * 260, "x" * 250, "%", "a\\b", "-3.5"]
) | st.text(st.characters(codec="utf-8", max_codepoint=0x2FFF, exclude_categories=["Cc", "Cs", "Cn"]), max_size=6)
PLACE = st.sampled_from(["Kigali", "Rwanda > Kigali", "Rwanda > Kigali > Gasabo", "gasabo", ">", "Kigali > "])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "color": TEXT | st.booleans() | st.just({"no": "text"}),
    "age": st.integers(-3, 20).map(str)
    | st.sampled_from(["18", "18.0", "1e3", "abc", "+7", ".5", "5."])
    | st.integers(0, 9),
    "joined": MOMENTS.map(datetime.isoformat)
    | st.sampled_from(["2020-01-01", "x", "2020-02-30T00:00:00Z", "2020-01-01 10:00Z"]),
    "home": PLACE,
    "area": PLACE,
    "spot": PLACE,
}
URNS = ["tel:+250788123123", "tel:+250788000000", "mailto:ann@example.com", "twitter:ann_x", "ext:ABC-é", "line:U1a"]
PEOPLE = st.fixed_dictionaries(
    {
        "name": NAME,
        "status": st.sampled_from(["active", "blocked", "stopped", "archived"]),
        "language": st.sampled_from([None, "eng", "kin"]),
        "created_on": MOMENTS,
        "last_seen_on": st.none() | MOMENTS,
        "urns": st.sets(st.sampled_from(URNS), max_size=3),
        "groups": st.sets(st.sampled_from(GROUPS)),
        "history": st.sets(st.sampled_from(FLOWS)),
        "flow": st.none() | st.sampled_from(FLOWS),
        "tickets": st.integers(0, 1),
        "fields": st.fixed_dictionaries({}, optional=VALUES),
    }
)

EQUALS, ORDERED = ["=", "!="], ["=", "!=", ">", ">=", "<", "<="]
DAYS = st.sampled_from(["2020-01-01", "2019-12-31", "01-01-2020", "2020-01-02T01:00:00Z", "2020-01-03"])
NUMBERS = st.integers(-3, 20).map(str) | st.sampled_from(["18", "18.0", "-3.5", ".5", "7"])
WORDS = st.sampled_from(
    ["", "ann", "an", "jo", "jo marie", "marie", "o'neil", "LEE jo", "irem", "οδυσσευσ", "李小", "zoë_", "şa", "नमस्ते"]
)
UNICODE = st.sampled_from(["tel", "+250788", "ann@", "ABC-É", "u1a", "078", "ann_x", "88123123", "+250788123123"])


def conditions(identities: Sequence[str]) -> st.SearchStrategy[str]:
    """A condition of any property; identities are values of uuid, id and ref."""

    def on(names: list[str], operators: list[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        parts = st.tuples(st.sampled_from(names), st.sampled_from(operators), values)
        return parts.map(
            lambda p: f'{p[0]} {p[1]} "{p[2].replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        )

    return st.one_of(
        on(["name"], EQUALS, NAME | WORDS),
        on(["name"], ["~"], NAME | WORDS),
        on(["language"], EQUALS, st.sampled_from(["", "eng", "KIN"])),
        on(["status"], EQUALS, st.sampled_from(["active", "Blocked", "stopped"])),
        on(["created_on", "fields.joined", "last_seen_on"], ORDERED, DAYS),
        on(
            ["last_seen_on", "fields.joined", "fields.age", "fields.home", "color", "group", "flow", "history"],
            EQUALS,
            st.just(""),
        ),
        on(["tickets", "fields.age"], ORDERED, NUMBERS),
        on(["color"], EQUALS, TEXT),
        on(["home", "area", "spot"], EQUALS, PLACE),
        on(["urn", "tel", "ext", "line", "mailto", "twitter"], [*EQUALS, "~"], UNICODE),
        on(["urn", "tel"], EQUALS, st.just("")),
        on(["group"], EQUALS, st.sampled_from(["VIP", "ann's"])),
        on(["flow", "history"], EQUALS, st.sampled_from(["reg", "Poll"])),
        on(["uuid", "id", "ref"], EQUALS, st.sampled_from(identities)),
    )


def queries(identities: Sequence[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        conditions(identities),
        lambda inner: st.tuples(inner, st.sampled_from([" AND ", " OR ", " "]), inner).map(
            lambda p: f"({p[0]}{p[1]}{p[2]})"
        ),
        max_leaves=5,
    )


@settings(deadline=None, max_examples=150, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(people=st.lists(PEOPLE, min_size=1, max_size=8), environment=st.sampled_from(ENVIRONMENTS), data=st.data())
def test_memory_and_database_agree(
    dsn: str, people: list[dict[str, Any]], environment: Environment, data: st.DataObject
) -> None:
    for n, person in enumerate(people):  # an address has one owner
        person["urns"] -= {urn for other in people[:n] for urn in other["urns"]}
    uuids = [str(UUID(int=n + 7)) for n in range(len(people))]
    ids = [10_000_000 + n for n in range(len(people))]
    identities = [
        *uuids,
        *map(str, ids),
        *(refs.of(id, environment.obfuscation_key) for id in ids),
        "nobody",
        "0",
        "12",
    ]
    texts = data.draw(st.lists(queries(identities), min_size=1, max_size=8))
    asked = [parsed for text in texts if (parsed := _read(text, environment))]
    persons = [_person(*one, environment) for one in zip(ids, uuids, people, strict=True)]

    found = asyncio.run(_ask(dsn, list(zip(ids, uuids, people, strict=True)), asked))

    for one, (matches, candidates) in zip(asked, found, strict=True):
        expected = {person.id for person in persons if one.matches(person)}
        assert matches == expected, one.text
        assert all(expected <= among for among in candidates), one.text


def _read(text: str, environment: Environment) -> query.Query | None:
    try:
        return query.parse(text, environment, NAMES)
    except query.QueryError as error:
        assert error.code in ("invalid_partial_name", "invalid_partial_urn", "invalid_date")  # noqa: PT017
        return None


def _person(id: int, uuid: str, person: dict[str, Any], environment: Environment) -> subjects.Person:
    plain = {key: person[key] for key in ("name", "status", "created_on", "last_seen_on", "flow")}
    return subjects.Person(
        id=id,
        uuid=uuid,
        language=person["language"] or "",
        urns=[f"{urn}?channel=x#display" for urn in person["urns"]],
        groups=list(person["groups"]),
        history=list(person["history"]),
        tickets=[subjects.Ticket()] * person["tickets"] + [subjects.Ticket("closed")],
        fields={key: readings.read(value) for key, value in person["fields"].items()},
        **plain,
    )


async def _ask(
    dsn: str, people: list[tuple[int, str, dict[str, Any]]], asked: list[query.Query]
) -> list[tuple[set[int], list[set[int]]]]:
    """Who matches, and the candidates of each index that may be used; as the application's role, then forgotten."""
    connection = await asyncpg.connect(dsn)
    try:
        transaction = connection.transaction()
        await transaction.start()
        account = await connection.fetchval(
            "insert into accounts (uuid, kind, name) values (gen_random_uuid(), 'workspace', 'A') returning id"
        )
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_json, decoder=str)
        await connection.execute(f"set local role trunkline_app; set local trunkline.account = '{account}'")
        for id, uuid, person in people:
            await _insert(connection, account, id, uuid, person)
        return [await _find(connection, account, one) for one in asked]
    finally:
        await transaction.rollback()
        await connection.close()


async def _find(connection: asyncpg.Connection, account: int, one: query.Query) -> tuple[set[int], list[set[int]]]:
    where, values = compiling.where(one.root, one.environment)
    rows = await connection.fetch(f"select c.id from contacts c where c.account_id = $1 and {where}", account, *values)
    candidates = []
    for cover in narrowing.covers(one.root):
        text, values = narrowing.candidates(cover, one.environment)
        candidates.append({row[0] for row in await connection.fetch(text, account, 1000, *values)})
    return {row[0] for row in rows}, candidates


async def _insert(connection: asyncpg.Connection, account: int, id: int, uuid: str, person: dict[str, Any]) -> None:
    await connection.execute(
        "insert into contacts (account_id, id, uuid, name, status, language, created_at, last_seen_at, fields,"
        " current_flow_id) overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        account, id, uuid, person["name"], person["status"], person["language"], person["created_on"],
        person["last_seen_on"], person["fields"], person["flow"] and person["flow"].id,
    )  # fmt: skip
    for urn in person["urns"]:
        scheme, _, path = urn.partition(":")
        await connection.execute(
            "insert into urns (account_id, contact_id, scheme, path) values ($1, $2, $3, $4)",
            account, id, scheme, path,
        )  # fmt: skip
    for table, column, refs_ in (("group_members", "group_id", "groups"), ("contact_flows", "flow_id", "history")):
        for ref in person[refs_]:
            await connection.execute(
                f"insert into {table} (account_id, contact_id, {column}) values ($1, $2, $3)", account, id, ref.id
            )
    for status in ["open"] * person["tickets"] + ["closed"]:
        await connection.execute(
            "insert into tickets (account_id, uuid, contact_id, status, opened_by)"
            " values ($1, gen_random_uuid(), $2, $3, 'x')",
            account, id, status,
        )  # fmt: skip


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
