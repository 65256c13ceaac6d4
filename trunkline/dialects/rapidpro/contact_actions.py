"""What is done to many contacts at once."""

from typing import Any

from trunkline.contacts import groups, people
from trunkline.contacts.people import Contact
from trunkline.dialects.base import Call, Tx
from trunkline.dialects.rapidpro import reading
from trunkline.dialects.rapidpro.dialect import rapidpro
from trunkline.dialects.rapidpro.errors import across
from trunkline.dialects.rapidpro.fields import Choice
from trunkline.dialects.rapidpro.reading import Body
from trunkline.dialects.rapidpro.references import Contacts, Groups, Many, One
from trunkline.flows import endings
from trunkline.messaging import shelving

WITH_GROUP = ("add", "remove")
ACTIONS = (*WITH_GROUP, "block", "unblock", "interrupt", "archive_messages", "delete", "archive")

FORM = {
    "contacts": Many("The contacts, by UUID or address.", Contacts(), empty="Contacts can't be empty."),
    "action": Choice("What to do.", ACTIONS),
    "group": One("The group to add to or to remove from.", Groups(smart=False), required=False),
}


@rapidpro.post("/contact_actions.json", fields=FORM)
async def act_on_contacts(tx: Tx, call: Call, body: Body) -> None:
    """Do something to up to 100 contacts.

    `add` and `remove` need a `group`. `archive_messages` puts away what the contacts wrote.
    """
    given = await reading.read(tx, call, FORM, body)
    action, group, contacts = given["action"], given.get("group"), given["contacts"]
    if action in WITH_GROUP and group is None:
        raise across(f'For action "{action}" you should also specify a group')
    if action not in WITH_GROUP and group is not None:
        raise across(f'For action "{action}" you should not specify a group')
    if action == "add":
        _refuse_resting(contacts)
    await _act(tx, action, [each.id for each in contacts], group)


async def _act(tx: Tx, action: str, ids: list[int], group: Any) -> None:
    match action:
        case "add":
            await groups.add(tx, group.id, ids)
        case "remove":
            await groups.remove(tx, group.id, ids)
        case "block":
            await people.change_status(tx, ids, "blocked")
        case "unblock":
            await people.change_status(tx, ids, "active")
        case "interrupt":
            await endings.interrupt(tx, ids)
        case "archive_messages" | "archive":
            await shelving.archive_of(tx, ids)
        case "delete":
            shelving.delete_of(tx, await people.delete(tx, ids))


def _refuse_resting(contacts: list[Contact]) -> None:
    resting = [str(each.uuid) for each in contacts if each.status != "active"]
    if resting:
        raise across(f"Non-active contacts cannot be added to groups: {', '.join(resting)}")
