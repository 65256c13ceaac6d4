"""One contact: who they are, what was said, where they are; and the form that changes it."""

from typing import Any

from starlette.responses import Response

from trunkline.contacts import changing, fields, groups, notes, people, tags, urns
from trunkline.contacts.fields import Field
from trunkline.contacts.records import STATUSES, Changes, Contact
from trunkline.core.errors import Invalid
from trunkline.flows import runs
from trunkline.inbox import listing as conversations
from trunkline.messaging import messages
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("contacts")

SHOWN = 30


@pages.get("/contacts/{id:int}")
async def show(visit: Visit) -> Response:
    async with visit.tx() as tx:
        contact = await people.get(tx, visit.id())
        return visit.page(
            "contacts/contact.html",
            block="timeline",
            contact=contact,
            addresses=(await urns.of(tx, [contact.id])).get(contact.id, []),
            groups=(await groups.of(tx, [contact.id])).get(contact.id, []),
            all_groups=await groups.all(tx),
            all_tags=await tags.all(tx),
            fields=await fields.all(tx),
            notes=(await notes.of(tx, [contact.id])).get(contact.id, []),
            messages=await messages.of_contact(tx, contact.id, before=visit.query.number("before"), limit=SHOWN),
            shown=SHOWN,
            runs=await runs.page(tx, runs.Filter(contact_id=contact.id), limit=10),
            conversations=await conversations.page(tx, conversations.Filter(contact_id=contact.id), limit=10),
        )


@pages.get("/contacts/{id:int}/form", level="interact")
async def edit(visit: Visit) -> Response:
    async with visit.tx() as tx:
        contact = await people.get(tx, visit.id())
        return visit.page("contacts/form.html", contact=contact, fields=await fields.all(tx))


@pages.post("/contacts/{id:int}/form", level="interact")
async def change(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await changing.update(tx, visit.id(), _changes(visit, await fields.all(tx)))
    return visit.to(f"/contacts/{visit.id()}", visit.words("Saved."))


@pages.post("/contacts/{id:int}/removal", level="manage")
async def delete(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await people.delete(tx, [visit.id()])
    return visit.to("/contacts", visit.words("Deleted."))


@pages.post("/contacts/{id:int}/tags", level="interact")
async def tag(visit: Visit) -> Response:
    """Add a tag by name, or take one off by its id."""
    async with visit.tx() as tx:
        contact = await people.get(tx, visit.id())
        if (removed := visit.form.number("remove")) is not None:
            await tags.remove(tx, [contact.id], [removed])
        elif name := visit.form.text("tag", most=50):
            made = await tags.get_or_create(tx, [name])
            await tags.add(tx, [contact.id], [one.id for one in made])
    return visit.to(f"/contacts/{contact.id}")


@pages.post("/contacts/{id:int}/groups", level="interact")
async def group(visit: Visit) -> Response:
    async with visit.tx() as tx:
        contact = await people.get(tx, visit.id())
        if (left := visit.form.number("remove")) is not None:
            await groups.remove(tx, left, [contact.id])
        elif (joined := visit.form.number("group")) is not None:
            await groups.add(tx, joined, [contact.id])
    return visit.to(f"/contacts/{contact.id}")


@pages.post("/contacts/{id:int}/notes", level="interact")
async def note(visit: Visit) -> Response:
    said = visit.form.text("note", most=10_000)
    if said:
        async with visit.tx() as tx:
            contact = await people.get(tx, visit.id())
            await notes.add(tx, contact.id, said, visit.visitor.user.id)
    return visit.to(f"/contacts/{visit.id()}")


@pages.post("/contacts/{id:int}/automation", level="interact")
async def automation(visit: Visit) -> Response:
    """Let machines answer this person, or only people."""
    async with visit.tx() as tx:
        changed: Contact = await changing.update(tx, visit.id(), Changes(bot_active=visit.form.flag("on")))
    said = "Automation goes on." if changed.bot_active else "Automation is paused."
    return visit.back(f"/contacts/{visit.id()}", visit.words(said))


def _changes(visit: Visit, declared: list[Field]) -> Changes:
    form = visit.form
    status = form.text("status")
    if status not in STATUSES:
        raise Invalid({"status": [visit.words("Choose one of the list.")]})
    given: dict[str, Any] = {one.key: form.text(f"field.{one.key}", most=640) or None for one in declared}
    return Changes(
        name=form.text("name", most=255) or None,
        email=form.text("email", most=320) or None,
        phone=form.text("phone", most=64) or None,
        company=form.text("company", most=255) or None,
        language=form.text("language", most=10) or None,
        notes=form.text("notes", most=10_000) or None,
        status=status,
        do_not_disturb=form.flag("do_not_disturb"),
        bot_active=form.flag("bot_active"),
        fields={key: value for key, value in given.items() if f"field.{key}" in form},
    )
