"""Templates: one text per key, channel and language, and the nearest one for a reader."""

from uuid import UUID

import msgspec
import pytest

from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.messaging import templates
from trunkline.messaging.templates import Draft

pytestmark = pytest.mark.anyio

REMINDER = Draft(key="appointment_reminder", channel="sms", body="Hello {{name}}, see you on {{date}}.", language="ro")


def draft(**changes):
    return msgspec.structs.replace(REMINDER, **changes)


async def test_create_keeps_everything(tx):
    made = await templates.create(tx, draft(channel="email", subject="{{date}}: {{company}}", category="reminders"))

    assert await templates.get(tx, made.id) == made
    assert isinstance(made.uuid, UUID)
    assert (made.key, made.name, made.language) == ("appointment_reminder", "appointment_reminder", "ro")
    assert (made.category, made.status) == ("reminders", "approved")


async def test_variables_come_from_subject_and_body(tx):
    made = await templates.create(tx, draft(subject="{{date}}: {{company|Acme}}"))

    assert made.variables == ["date", "company", "name"]


async def test_same_key_channel_and_language_conflict(tx):
    await templates.create(tx, REMINDER)

    with pytest.raises(Conflict) as caught:
        await templates.create(tx, REMINDER)

    assert caught.value.code == "template_exists"


@pytest.mark.parametrize("change", [{"language": "en"}, {"channel": "email"}, {"key": "other"}])
async def test_another_of_the_three_is_another_template(tx, change):
    first = await templates.create(tx, REMINDER)

    second = await templates.create(tx, draft(**change))

    assert first.id != second.id


@pytest.mark.parametrize(
    ("field", "value"),
    [("key", "a b"), ("key", ""), ("key", "x" * 101), ("channel", "pigeon"), ("language", "english!"), ("body", " ")],
)
async def test_bad_input_names_its_field(tx, field, value):
    with pytest.raises(Invalid) as caught:
        await templates.create(tx, draft(**{field: value}))

    assert list(caught.value.fields) == [field]


@pytest.mark.parametrize("field", ["body", "subject"])
async def test_a_variable_that_is_not_closed_is_refused(tx, field):
    made = await templates.create(tx, REMINDER)

    for attempt in (templates.create, lambda tx, wrong: templates.update(tx, made.id, wrong)):
        with pytest.raises(Invalid) as caught:
            await attempt(tx, draft(key="other", channel="email", **{field: "Hi {{name}}, see {{date"}))
        assert list(caught.value.fields) == [field]
        assert "{{date" in caught.value.message


async def test_update_replaces(tx):
    made = await templates.create(tx, draft(subject="Old {{old}}"))

    changed = await templates.update(tx, made.id, draft(body="Bye {{who}}", name="Farewell"))

    assert (changed.id, changed.uuid, changed.created_at) == (made.id, made.uuid, made.created_at)
    assert (changed.name, changed.subject, changed.variables) == ("Farewell", None, ["who"])


async def test_update_to_a_taken_key_conflicts(tx):
    await templates.create(tx, REMINDER)
    other = await templates.create(tx, draft(key="other"))

    with pytest.raises(Conflict):
        await templates.update(tx, other.id, REMINDER)


async def test_deleted_is_gone(tx):
    made = await templates.create(tx, REMINDER)

    await templates.delete(tx, made.id)

    assert await templates.all_of(tx) == []
    with pytest.raises(NotFound):
        await templates.delete(tx, made.id)


async def test_list_can_be_of_one_channel(tx):
    await templates.create(tx, REMINDER)
    mail = await templates.create(tx, draft(channel="email"))

    assert await templates.all_of(tx, "email") == [mail]
    assert len(await templates.all_of(tx)) == 2


@pytest.mark.parametrize(
    ("there", "wanted", "found"),
    [
        (["en", "ro", "pt-BR"], "ro", "ro"),
        (["en", "pt-PT", "pt-BR"], "pt_br", "pt-BR"),
        (["en", "pt", "pt-PT"], "pt-BR", "pt"),
        (["en", "pt-PT"], "pt-BR", "pt-PT"),
        (["fr", "en_US"], "de", "en_US"),
        (["fr", "es"], "de", "fr"),
        (["fr", "en", "es"], None, "en"),
    ],
)
async def test_nearest_language_is_found(tx, there, wanted, found):
    for language in there:
        await templates.create(tx, draft(language=language))

    assert (await templates.find(tx, REMINDER.key, "sms", wanted)).language == found


@pytest.mark.parametrize("key", ["appointment_reminder", "a\0b", ""])
async def test_unknown_key_names_the_field(tx, key):
    await templates.create(tx, draft(channel="email"))

    with pytest.raises(Invalid) as caught:
        await templates.find(tx, key, "sms")

    assert list(caught.value.fields) == ["template_key"]


async def test_only_approved_ones_are_sent(tx, database, account, connection):
    async with database.tx(account) as other:
        made = await templates.create(other, REMINDER)
    await connection.execute("update templates set status = 'paused' where account_id = $1", account)

    with pytest.raises(Invalid) as caught:
        await templates.find(tx, made.key, made.channel)

    assert "paused" in caught.value.message


async def test_foreign_templates_are_unknown(tx, database, other_account):
    async with database.tx(other_account) as theirs:
        made = await templates.create(theirs, REMINDER)

    assert await templates.all_of(tx) == []
    for act in (templates.get(tx, made.id), templates.update(tx, made.id, REMINDER), templates.delete(tx, made.id)):
        with pytest.raises(NotFound):
            await act
    with pytest.raises(Invalid):
        await templates.find(tx, made.key, made.channel)
