"""Every sentence of `errors.toml` is what its request gets, to the letter."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests import talks
from tests import world as makers
from trunkline.accounts import browsers, settings, users
from trunkline.campaigns import sequences
from trunkline.campaigns.sequences import NewPoint
from trunkline.contacts import fields, groups, people
from trunkline.contacts.people import NewContact
from trunkline.core.ids import new_uuid
from trunkline.dialects import rapidpro
from trunkline.dialects.rapidpro.references import Many, One
from trunkline.flows import stored, triggers
from trunkline.flows.triggers import NewTrigger
from trunkline.inbox import tickets, topics
from trunkline.inbox.tickets import NewTicket
from trunkline.messaging import labels, optins
from trunkline.webhooks import resthooks

pytestmark = pytest.mark.anyio

CASES = tomllib.loads((Path(__file__).parent / "errors.toml").read_text())["case"]
HERE = Path(rapidpro.__file__).parent
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
REFUSING = {"Wrong", "Rejected", "across", "BadAsk", "Forbidden", "Error", "__init__"}
NEVER_TOLD = {"The given data is invalid.", "Write to the same address with .json."}
"""What only a log could tell: the answer is the fields or the page."""


@pytest.fixture
async def world(api, database, account, other_account, new_key, group, smart, ann, stranger) -> dict[str, str]:
    """What requests may name."""
    await api.get("/groups.json")  # makes the groups that everybody has
    theirs = {"authorization": f"Token {await new_key('rapidpro', role='admin', account=other_account)}"}
    files = [
        (await api.post("/media.json", files={"file": ("a.png", PNG)}, headers=headers)).json()["uuid"]
        for headers in ({}, theirs)
    ]
    async with database.tx(account) as tx:
        await fields.create(tx, "Nick")
        await fields.create(tx, "Joined", "datetime")
        used = await groups.create(tx, "Used")
        series = await sequences.create(tx, "Reminders", used.id)
        point = await sequences.add_point(
            tx, series.id, NewPoint(relative_to="joined", distance=1, unit="days", message={"eng": "Hi"})
        )
        other = await sequences.create(tx, "Others", used.id)
        flow = await stored.save(tx, talks.definition())
        await resthooks.get_or_create(tx, ["new-report"])
        await resthooks.subscribe(tx, "new-report", "https://hooks.example.com/1")
        blocked = await people.create(tx, NewContact(name="Bob", status="blocked"))
        deleted = await people.create(tx, NewContact(name="Del"))
        await people.delete(tx, [deleted.id])
        triggered = await groups.create(tx, "Triggered")
        await triggers.create(tx, NewTrigger(kind="keyword", flow_id=flow.id, keywords=["hi"], groups=[triggered.id]))
        named = {group.name: group for group in await groups.all(tx)}
    return {
        "group": str(group.uuid),
        "smart": str(smart.uuid),
        "used": str(used.uuid),
        "triggered": str(triggered.uuid),
        "open_tickets": str(named["Open Tickets"].uuid),
        "ann": str(ann.uuid),
        "urn": "tel:+250788123123",
        "stranger": str(stranger.uuid),
        "blocked": str(blocked.uuid),
        "deleted": str(deleted.uuid),
        "campaign": str(series.uuid),
        "other_campaign": str(other.uuid),
        "event": str(point.uuid),
        "flow": str(flow.uuid),
        "file": files[0],
        "foreign_file": files[1],
        "long": "1" * 1001,
        "nothing": "01234567-89ab-4cde-8123-456789abcdef",
        **await _talk(database, account, ann),
        **await _others(database, other_account, stranger),
    }


async def _others(database, other_account, stranger) -> dict[str, str]:
    """The same of another workspace."""
    talk = await _talk(database, other_account, stranger)
    async with database.tx(other_account) as tx:
        await fields.create(tx, "Born", "datetime")
        group = await groups.create(tx, "Foreign")
        series = await sequences.create(tx, "Theirs", group.id)
        point = await sequences.add_point(
            tx, series.id, NewPoint(relative_to="born", distance=1, unit="days", message={"eng": "Hi"})
        )
        flow = await stored.save(tx, talks.definition())
        await resthooks.get_or_create(tx, ["their-report"])
    email = f"{new_uuid()}@example.com"
    async with database.system(other_account) as tx:
        await users.create(tx, email, "owner")
    ours = {"group": group, "campaign": series, "event": point, "flow": flow}
    return {f"foreign_{name}": value for name, value in (talk | {"email": email}).items()} | {
        f"foreign_{name}": str(each.uuid) for name, each in ours.items()
    }


async def _talk(database, account, contact) -> dict[str, str]:
    """A message each way, a label, a topic and a ticket of a contact."""
    channel = await makers.simulator(database, account)
    [record] = await makers.execute(database.dsn, "select path from urns where contact_id = $1", contact.id)
    received = await makers.say(database, channel, record["path"], "Hello")
    [sent] = await makers.queue(database, account, channel, [record["path"]])
    async with database.tx(account) as tx:
        general, topic = await topics.default(tx), await topics.create(tx, "Billing")
        label = await labels.create(tx, "Spam")
        await optins.create(tx, "Jokes")
        [ticket] = await tickets.open_many(tx, [NewTicket(uuid=new_uuid(), contact_id=contact.id)])
    return {
        "received": str(received.message_id),
        "sent": str(sent),
        "general": str(general.uuid),
        "topic": str(topic.uuid),
        "label": str(label.uuid),
        "ticket": str(ticket.uuid),
    }


@pytest.mark.parametrize("case", CASES, ids=[f"{number} {case['request']}" for number, case in enumerate(CASES)])
async def test_a_refusal_is_worded_as_promised(api, agent, database, account, new_key, signed_in, world, case):
    client, given = agent if case.get("as") == "agent" else api, _given(case, world)
    match case.get("as"):
        case "nobody":
            del client.headers["authorization"]
        case "counted":
            client.headers["authorization"] = f"Token {await new_key('rapidpro', role='admin')}"
        case "browser":
            del client.headers["authorization"]
            client.cookies.set(browsers.cookie_name(False), (await signed_in("admin", account, kind="browser"))[0])
    async with database.tx(account) as tx:
        await settings.put(tx, case.get("settings", {}), operator=True)
        if case.get("full") == "labels":
            await labels.get_or_create(tx, [f"label {number}" for number in range(250)])
    if "again" in case:
        await client.request(**given)

    answer = await client.request(**given)

    told = answer.json()
    for name, begin in case.get("begins", {}).items():
        told[name] = told[name][: len(begin)]
    world["seconds"] = answer.headers.get("retry-after", "")
    assert (answer.status_code, told) == (case["status"], _filled(case.get("answer", case.get("begins")), world))


def test_every_sentence_has_its_row():
    sentences = {sentence for path in HERE.glob("*.py") for sentence in _sentences(ast.parse(path.read_text()))}
    told = "\n".join(_texts([case.get("answer", case.get("begins")) for case in CASES]))

    missing = [sentence for sentence in sentences if not re.search(f"^{sentence}", told, re.MULTILINE)]

    assert sorted(missing) == []
    assert len(sentences) > 60


def test_every_reference_is_tried_with_what_belongs_to_others():
    referring = {
        (operation.paths[0], name)
        for operation in rapidpro.rapidpro.operations
        for name, field in operation.rules.fields.items()
        if isinstance(field, One | Many)
    }
    tried = {
        (case["request"].split()[1].partition("?")[0], name)
        for case in CASES
        for name, value in (case.get("body") or {}).items()
        if any(text in ("{stranger}", "born") or text.startswith("{foreign_") for text in _texts(value))
    }

    assert sorted(referring - tried) == []


def _given(case: dict[str, Any], world: dict[str, str]) -> dict[str, Any]:
    """The request of a case, as the client takes it."""
    method, path = case["request"].split(" ", 1)
    address = path.format(many="&".join(f"uuid={new_uuid()}" for _ in range(101)), **_quoted(world))
    given: dict[str, Any] = {"method": method, "url": address, "headers": case.get("headers", {})}
    if "content" in case:
        return given | {"content": case["content"]}
    if "file" in case:
        return given | {"files": {"file": ("a.txt", (case["file"] * case.get("times", 1)).encode())}}
    body = _filled(case.get("body"), world)
    for name, value in (body or {}).items():
        if "times" in case and isinstance(value, list):
            body[name] = value * case["times"]
    return given | {"json": body}


def _quoted(world: dict[str, str]) -> dict[str, str]:
    return {name: quote(value) for name, value in world.items()}


def _sentences(tree: ast.Module) -> Iterator[str]:
    """Patterns of all sentences that a module refuses with: written where it refuses, or named there."""
    known = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (getattr(node.func, "id", "") or getattr(node.func, "attr", "")) in REFUSING:
            for argument in node.args:
                for part in _parts(argument):
                    yield from _patterns(known.get(part.id, part) if isinstance(part, ast.Name) else part)


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """Texts and names below; the names of fields are none."""
    if isinstance(node, ast.Constant | ast.JoinedStr | ast.Name):
        yield node
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _parts(value)
    elif not isinstance(node, ast.Call):
        for child in ast.iter_child_nodes(node):
            yield from _parts(child)


def _patterns(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        pattern = "".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        pattern = re.escape(node.value)
    else:
        return
    if r"\ " in pattern and pattern not in map(re.escape, NEVER_TOLD):
        yield pattern


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            yield from _texts(list(value.values()))


def _filled(value: Any, world: dict[str, str]) -> Any:
    match value:
        case str():
            for name, known in world.items():
                value = value.replace(f"{{{name}}}", known)
        case list():
            return [_filled(each, world) for each in value]
        case dict():
            return {name: _filled(each, world) for name, each in value.items()}
    return value
