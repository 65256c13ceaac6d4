"""What is done to many messages at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.core.db import Tx
from trunkline.dialects.base import Answer, Call
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import Rejected, across
from trunkline.dialects.rapidpro.fields import NULL, Choice, Field, Items, Reading, Text, Wrong, name_rules
from trunkline.dialects.rapidpro.labels import MOST, NAME
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.references import Labels, One
from trunkline.messaging import labels, shelving
from trunkline.messaging.labels import Label
from trunkline.messaging.shelving import Shelved

WITH_LABEL = ("label", "unlabel")
ACTIONS = (*WITH_LABEL, "archive", "restore", "delete")
LARGEST = 2**63


class Failures(Struct, frozen=True):
    """What could not be done, by what was sent."""

    failures: list[int | str]


class Named(Struct, frozen=True):
    """A message as somebody named it."""

    sent: int | str
    id: int | None
    uuid: UUID | None


class Messages(Items):
    """By number or UUID. One that is not there is no mistake, but will be reported."""

    def __init__(self, help: str) -> None:
        super().__init__(help, Field("A number or a UUID."), most=100)

    async def read(self, reading: Reading, value: Any) -> list[Named]:
        return [_named(each) for each in self.listed(value)]


FORM = {
    "messages": Messages("The messages, by number or UUID; all of them came in."),
    "action": Choice("What to do.", ACTIONS),
    "label": One("The label to put on or to take off.", Labels(), required=False),
    "label_name": Text("Its name; it is made where there is none.", most=NAME, required=False, rules=name_rules(NAME)),
}


@rapidpro.post("/message_actions.json", fields=FORM, answers={200: Failures, 204: None})
async def act_on_messages(tx: Tx, call: Call, body: Body) -> Answer[Failures] | None:
    """Do something to up to 100 messages that came in.

    `label` and `unlabel` need a `label` or a `label_name`. Messages that are not there are told as `failures`.
    """
    given = await reading.read(tx, call, FORM, body)
    action, named = given["action"], given["messages"]
    _check(action, given)
    found = await shelving.find(tx, [one.id for one in named if one.id], [one.uuid for one in named if one.uuid])
    _refuse_outgoing(named, found)
    if found:
        await _act(tx, action, [message.id for message in found], given)
    known = {message.id for message in found} | {message.uuid for message in found}
    failures = [one.sent for one in named if one.id not in known and one.uuid not in known]
    return Answer(Failures(failures)) if failures else None


async def _act(tx: Tx, action: str, ids: list[int], given: dict[str, Any]) -> None:
    match action:
        case "label":
            label = given.get("label") or await _label(tx, given["label_name"])
            await labels.add(tx, [(label.id, id) for id in ids])
        case "unlabel":
            if label := given.get("label") or await labels.find(tx, given["label_name"]):
                await labels.remove(tx, label.id, ids)
        case "archive":
            await shelving.archive(tx, ids)
        case "restore":
            await shelving.restore(tx, ids)
        case "delete":
            await shelving.delete(tx, ids)


async def _label(tx: Tx, name: str) -> Label:
    found = await labels.find(tx, name)
    if found is None:
        reading.refuse_full(len(await labels.all_of(tx)), MOST)
    return found or (await labels.get_or_create(tx, [name]))[name]


def _check(action: str, given: dict[str, Any]) -> None:
    named = "label" in given or "label_name" in given
    if "label" in given and "label_name" in given:
        raise across("Can't specify both label and label_name.")
    if action in WITH_LABEL and not named:
        raise across(f'For action "{action}" you should also specify a label')
    if action not in WITH_LABEL and named:
        raise across(f'For action "{action}" you should not specify a label')


def _refuse_outgoing(named: Sequence[Named], found: Sequence[Shelved]) -> None:
    sent = {key for message in found if message.direction == "out" for key in (message.id, message.uuid)}
    for one in named:
        if one.id in sent or one.uuid in sent:
            raise Rejected({"messages": [f"Not an incoming message: {one.sent}"]})


def _named(value: Any) -> Named:
    if value is None or value == "":
        raise Wrong([NULL])
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Wrong(["Must be a string or integer"])
    if uuid := reading.loose_uuid(str(value)):
        return Named(value, None, uuid)
    number = str(value).strip()
    if not reading.WHOLE.fullmatch(number):
        raise Wrong(["A valid integer is required."])
    return Named(value, id if len(number) < 20 and 0 < (id := int(number)) < LARGEST else None, None)
