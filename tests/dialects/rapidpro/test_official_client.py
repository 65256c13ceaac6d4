"""The official Python client, over a socket: what it sends is understood, what it gets is parsed."""

import anyio
import pytest
from temba_client.exceptions import (
    TembaBadRequestError,
    TembaNoSuchObjectError,
    TembaRateExceededError,
    TembaTokenError,
)
from temba_client.v2 import TembaClient

from tests import world
from trunkline.contacts import fields

pytestmark = pytest.mark.anyio


async def _in_thread(call, *args, **options):
    return await anyio.to_thread.run_sync(lambda: call(*args, **options))


async def test_the_workspace_is_an_org(official):
    org = await _in_thread(official.get_org)

    assert (org.name, org.primary_language, org.anon) == ("Acme", "eng", False)


async def test_contacts_are_made_changed_found_and_deleted(official, database, account, group):
    async with database.tx(account) as tx:
        await fields.create(tx, "Nick")

    def story():
        made = official.create_contact(
            name="Ann", language="eng", urns=["tel:+250788123123"], fields={"nick": "A"}, groups=[group.name]
        )
        changed = official.update_contact("tel:+250788123123", name="Anna", fields={"nick": "B"})
        found = official.get_contacts(group=group.name, reverse=True).all()
        official.delete_contact(made)
        gone = official.get_contacts(deleted=True).first()
        return made, changed, found, gone

    made, changed, found, gone = await anyio.to_thread.run_sync(story)

    assert (made.name, made.groups[0].name, made.fields) == ("Ann", "Reporters", {"nick": "A"})
    assert (changed.uuid, changed.name, changed.fields) == (made.uuid, "Anna", {"nick": "B"})
    assert [contact.uuid for contact in found] == [made.uuid]
    assert (gone.uuid, gone.name) == (made.uuid, None)


async def test_a_list_is_walked_and_taken_up_again(official, database, account):
    await world.contacts(database, account, [f"+25078{number:07}" for number in range(600)])

    def story():
        walk = official.get_contacts().iterfetches()
        first = next(walk)
        cursor = walk.get_cursor()
        return first, [
            contact for page in official.get_contacts().iterfetches(resume_cursor=cursor) for contact in page
        ]

    first, rest = await anyio.to_thread.run_sync(story)

    assert (len(first), len(rest)) == (250, 350)
    assert len({contact.uuid for contact in [*first, *rest]}) == 600


async def test_many_contacts_at_once(official, group, ann):
    def story():
        official.bulk_add_contacts([str(ann.uuid)], str(group.uuid))
        member = official.get_contacts(uuid=str(ann.uuid)).first()
        official.bulk_remove_contacts([str(ann.uuid)], group.name)
        official.bulk_block_contacts([str(ann.uuid)])
        blocked = official.get_contacts(uuid=str(ann.uuid)).first()
        official.bulk_unblock_contacts([str(ann.uuid)])
        official.bulk_interrupt_contacts([str(ann.uuid)])
        official.bulk_archive_contact_messages([str(ann.uuid)])
        official.bulk_delete_contacts([str(ann.uuid)])
        return member, blocked, official.get_contacts().all()

    member, blocked, left = await anyio.to_thread.run_sync(story)

    assert [each.name for each in member.groups] == ["Reporters"]
    assert blocked.status == "blocked"
    assert left == []


async def test_groups_labels_fields_and_globals(official):
    def story():
        group = official.create_group("Farmers")
        group = official.update_group(group, "Fishers")
        label = official.create_label("Spam")
        label = official.update_label(label, "Ham")
        field = official.create_field("Chat Name", "text")
        field = official.update_field(field.key, "Chat Number", "number")
        value = official.create_global("Org Name", "Acme")
        value = official.update_global(value.key, "Acme Ltd")
        listed = (
            [each.name for each in official.get_groups().all()],
            [each.name for each in official.get_labels().all()],
            [(each.key, each.name, each.type) for each in official.get_fields().all()],
            [(each.key, each.value) for each in official.get_globals().all()],
        )
        official.delete_group(group)
        official.delete_label(label)
        return listed, official.get_groups(name="Fishers").all(), official.get_labels().all()

    listed, groups_left, labels_left = await anyio.to_thread.run_sync(story)

    assert listed == (
        ["Fishers", "Open Tickets"],
        ["Ham"],
        [("chat_name", "Chat Number", "number")],
        [("org_name", "Acme Ltd")],
    )
    assert (groups_left, labels_left) == ([], [])


async def test_refusals_become_its_errors(official, group):
    address = official.root_url.removesuffix("/api/v2")

    with pytest.raises(TembaBadRequestError) as refused:
        await _in_thread(official.create_group, "Reporters")
    with pytest.raises(TembaNoSuchObjectError):
        await _in_thread(official.delete_group, "01234567-89ab-4cde-8123-456789abcdef")
    with pytest.raises(TembaTokenError):
        await _in_thread(TembaClient(address, "wrong").get_org)

    assert str(refused.value) == "This field must be unique."


async def test_it_hears_when_to_come_back(official, database, account, dialects, new_key):
    key = await new_key("rapidpro", role="admin", rate="1/hour")
    limited = TembaClient(official.root_url.removesuffix("/api/v2"), key)
    await _in_thread(limited.get_org)

    with pytest.raises(TembaRateExceededError) as refused:
        await _in_thread(limited.get_org)

    assert 3500 < refused.value.retry_after <= 3657


async def test_messages_are_sent_listed_and_handled_in_bulk(official, database, account, ann):
    channel = await world.simulator(database, account)
    said = await world.say(database, channel, "+250788123123", "Hello")
    await world.react(database)

    def story():
        sent = official.create_message(str(ann.uuid), "Hi", [], [{"text": "Yes", "extra": "I do"}])
        [heard] = official.get_messages(folder="inbox").all()
        official.bulk_label_messages([heard], label_name="Spam")
        labelled = official.get_messages(uuid=heard.uuid).first()
        official.bulk_unlabel_messages([heard], label="Spam")
        official.bulk_archive_messages([said.message_id])
        archived = official.get_messages(folder="archived").first()
        official.bulk_restore_messages([heard])
        official.bulk_delete_messages([heard])
        return sent, labelled, archived, official.get_messages().all()

    sent, labelled, archived, left = await anyio.to_thread.run_sync(story)

    assert (sent.contact.name, sent.text, sent.status, sent.direction) == ("Ann", "Hi", "queued", "out")
    assert [(reply.text, reply.extra) for reply in sent.quick_replies] == [("Yes", "I do")]
    assert ([label.name for label in labelled.labels], archived.text) == (["Spam"], "Hello")
    assert [message.uuid for message in left] == [sent.uuid]


async def test_broadcasts_channels_and_the_rest(official, database, account, ann, group):
    channel = await world.simulator(database, account)

    def story():
        sent = official.create_broadcast({"eng": "Hi", "fra": "Salut"}, contacts=[str(ann.uuid)], groups=[group.name])
        found = official.get_broadcasts(uuid=sent.uuid).first()
        channels = official.get_channels(address="+40700000000").all()
        return sent, found, channels, official.get_classifiers().all(), official.get_boundaries(geometry=True).all()

    sent, found, channels, classifiers, boundaries = await anyio.to_thread.run_sync(story)

    assert sent.text == {"eng": "Hi", "fra": "Salut"}
    assert ([each.name for each in found.contacts], [each.name for each in found.groups]) == (["Ann"], ["Reporters"])
    assert [(each.uuid, each.country) for each in channels] == [(str(channel.uuid), "RO")]
    assert (classifiers, boundaries) == ([], [])
