"""Contacts of the connector dialect: made, found, changed; what they said and what they are tagged with."""

from typing import Annotated

from msgspec import Meta

from trunkline.ai import dealings
from trunkline.contacts import arriving, people, tags
from trunkline.contacts.people import Changes, Contact, NewContact
from trunkline.contacts.urns import read_email, read_phone
from trunkline.core import urns
from trunkline.core.urns import BadUrn, Urn
from trunkline.dialects.base import Answer, Call, Conflict, Invalid, NotFound, Tx
from trunkline.dialects.connector import message_shapes, shapes
from trunkline.dialects.connector.dialect import ContactId, connector, place
from trunkline.inbox import standing
from trunkline.messaging import messages


@connector.post("/contacts", status=201, raises=(NotFound, Conflict), answers={200: shapes.CreatedOut}, noun="contact")
async def create_contact(tx: Tx, call: Call, body: shapes.ContactIn) -> Answer[shapes.CreatedOut]:
    """Create a contact. At least a phone number with its country code or an email is needed.

    If somebody has this phone number already, they are returned as they are, with status 200: nothing is created,
    changed or merged. The same goes for an email that comes without a phone number. All lists are looked up first; if
    one does not exist, nothing happens.
    """
    lists = body.listIds if body.listIds is not None else [body.listId] if body.listId else []
    contact, is_new = await arriving.create_or_get(
        tx,
        _new(body),
        lists=[place(call.vault, "list", id) for id in lists],
        tagged=body.tags or [],
    )
    return Answer(shapes.created(call.vault, contact, existing=not is_new), status=201 if is_new else 200)


@connector.get("/contacts", raises=(NotFound,))
async def find_contact(tx: Tx, call: Call, query: shapes.WhoQuery) -> shapes.FoundOut:
    """Look up a contact by phone number or email. Give one of both."""
    contact = await who(tx, query.phoneNumber, query.email)
    stands, dealt = await standing.of_contact(tx, contact.id), await dealings.of_contact(tx, contact.id)
    return shapes.found(call.vault, contact, stands, dealt)


@connector.put("/contacts/{contactId}", noun="contact", raises=(Conflict,))
async def update_contact(tx: Tx, contactId: ContactId, body: shapes.ContactChanges) -> shapes.Done:
    """Update a contact. What is left out stays; `custom_fields` changes its given keys."""
    changes = Changes(
        first_name=body.firstName,
        last_name=body.lastName,
        email=body.email,
        bot_active=body.is_bot_active,
        do_not_disturb=body.do_not_disturb,
        fields=body.custom_fields,
    )
    await people.update(tx, contactId, changes)
    return shapes.Done("Contact updated successfully")


@connector.get("/contacts/tags/{contactId}", noun="contact")
async def contact_tags(tx: Tx, contactId: ContactId) -> list[shapes.TagOut]:
    """List the tags of a contact."""
    worn = {tag.id for tag in (await people.get(tx, contactId)).tags}
    return [shapes.tag(tag) for tag in await tags.all(tx) if tag.id in worn]


@connector.get("/contacts/messages/{contactId}", "/contacts/{contactId}/messages", noun="contact")
async def contact_messages(
    tx: Tx, call: Call, contactId: ContactId, *, limit: Annotated[int, Meta(ge=1, le=1000)] = 100, before: str = ""
) -> message_shapes.MessagesOut:
    """List what was said with a contact, the newest first. `before` is the `id` of the last message that you have."""
    contact = await people.get(tx, contactId)
    seen = place(call.vault, "message", before) if before else None
    rows = await messages.of_contact(tx, contact.id, before=seen, limit=limit)
    return message_shapes.MessagesOut([message_shapes.message(call.vault, row) for row in rows])


async def who(tx: Tx, phone: str, email: str) -> Contact:
    """The contact that a request names; a plus that was not escaped arrives as a space."""
    if bool(phone.strip()) == bool(email.strip()):
        raise Invalid({"phoneNumber": ["One of phoneNumber and email is required."]})
    if phone.strip():
        typed = phone.strip()
        address = read_phone(typed if typed.startswith("+") else f"+{typed}")
    else:
        address = read_email(email)
    contact = await people.find(tx, address.urn) if address else None
    if contact is None:
        raise NotFound("contact")
    return contact


def _new(body: shapes.ContactIn) -> NewContact:
    phone, email = (body.phone or body.phoneNumber or "").strip(), (body.email or "").strip()
    if not phone and not email:
        raise Invalid({"phone": ["At least one of phone and email is required."]})
    reached = [_urn("ext", "externalId", body.externalId), _urn("instagram", "instagramId", body.instagramId)]
    kept = {name: value for name in KEPT if (value := getattr(body, name)) is not None}
    return NewContact(
        first_name=body.firstName,
        last_name=body.lastName,
        phone=phone or None,
        email=email or None,
        urns=[urn for urn in reached if urn],
        bot_active=body.is_bot_active is not False,
        do_not_disturb=body.do_not_disturb is True,
        fields={name: value for name, value in (body.custom_fields or {}).items() if value is not None},
        metadata=kept,
        source="api",
    )


def _urn(scheme: str, field: str, given: str | None) -> Urn | None:
    if not (given or "").strip():
        return None
    try:
        return urns.make(scheme, given or "")
    except BadUrn as error:
        raise Invalid({field: [str(error)]}) from None


KEPT = ("channel", "customChannel", "chatWidgetId", "currentCampaign", "currentCampaignData", "isChatWindowOpen")
"""What we have no place of our own for; it is kept with the contact as it came."""
