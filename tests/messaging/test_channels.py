"""Channels: found by those who own them, sealed, and chosen in a known order."""

import pytest

from tests import world
from trunkline.core.db import Database, Tx
from trunkline.core.errors import Conflict, Invalid, NotFound
from trunkline.messaging import channels
from trunkline.messaging.channels import POOL, Channel

pytestmark = pytest.mark.anyio


async def create(tx: Tx, name: str = "Main", **settings: object) -> Channel:
    return (await channels.create(tx, "simulator", name, "+40700000000", dict(settings)))[0]


async def test_a_channel_is_what_its_settings_say(tx: Tx) -> None:
    channel = await create(tx, rate=7, **{"as": "whatsapp"})

    assert (channel.sends_as, channel.schemes, channel.rate) == ("whatsapp", ["whatsapp"], 7.0)
    assert (channel.semantics, channel.active, channel.pool) == ("at_most_once", True, False)


async def test_the_secret_and_the_settings_lie_sealed(tx: Tx) -> None:
    settings = {"url": "http://localhost/hook", "secret": "s3cret-of-the-channel"}

    channel, secret = await channels.create(tx, "custom_http", "Custom", "acme", settings)

    sealed = channels.open_sealed(tx.database.tools, channel)
    assert (secret, sealed.secret, sealed.settings) == (
        "s3cret-of-the-channel",
        "s3cret-of-the-channel",
        {"url": "http://localhost/hook"},
    )
    assert b"s3cret" not in channel.config
    assert b"localhost" not in channel.config


async def test_a_seal_of_another_channel_does_not_open(tx: Tx) -> None:
    one, other = await create(tx, "One"), await create(tx, "Other")
    import msgspec

    swapped = msgspec.structs.replace(one, config=other.config)

    with pytest.raises(Exception, match=r".*"):
        channels.open_sealed(tx.database.tools, swapped)


async def test_two_channels_of_one_name_are_refused(tx: Tx) -> None:
    await create(tx, "Main")

    with pytest.raises(Conflict):
        await create(tx, "MAIN")


async def test_a_name_is_free_again_after_the_channel_went(tx: Tx) -> None:
    channel = await create(tx, "Main")
    await channels.delete(tx, channel.uuid)

    assert (await create(tx, "Main")).id != channel.id


@pytest.mark.parametrize(
    "settings",
    [{"unknown": 1}, {"as": "pigeon"}, {"rate": -1}, {"latency_ms": "soon"}, {"loss": 1.5}, {"duplicate": -0.1}],
)
async def test_settings_that_make_no_sense_are_refused(tx: Tx, settings: dict) -> None:
    with pytest.raises(Invalid):
        await create(tx, **settings)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"latency_ms": "soon"}, "The latency ms field must be an integer."),
        ({"loss": "1.5"}, "The loss field must not be greater than 1."),
        ({"auto_dlr": "maybe"}, "The auto dlr field must be true or false."),
        ({"as": "pigeon"}, "The as field is not one of the allowed values."),
    ],
)
async def test_a_wrong_setting_is_named_in_words_for_people(tx: Tx, settings: dict, told: str) -> None:
    with pytest.raises(Invalid) as refused:
        await create(tx, **settings)

    assert refused.value.fields == {next(iter(settings)): [told]}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://x.example",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "https://u:p@x.example/",
    ],
)
async def test_a_custom_channel_needs_an_address_we_may_call(tx: Tx, url: str) -> None:
    with pytest.raises(Invalid):
        await channels.create(tx, "custom_http", "Custom", "acme", {"url": url})


async def test_an_unknown_kind_is_refused(tx: Tx) -> None:
    with pytest.raises(Invalid):
        await channels.create(tx, "pigeon", "Post", "loft", {})


async def test_nobody_sees_a_channel_of_another_account(database: Database, account: int, other_account: int) -> None:
    channel = await world.simulator(database, account)

    async with database.tx(other_account) as tx:
        assert await channels.all_of(tx) == []
        assert await channels.by_name(tx, channel.name) is None
        with pytest.raises(NotFound):
            await channels.get(tx, channel.id)
        with pytest.raises(NotFound):
            await channels.delete(tx, channel.uuid)
        with pytest.raises(Invalid) as refused:
            await channels.choose(tx, "sms", channel.id)
    assert refused.value.code == "integration_not_found"


async def test_a_callback_finds_its_channel_by_kind_and_uuid(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)

    found = await channels.by_uuid(database, "simulator", channel.uuid)
    wrong = await channels.by_uuid(database, "custom_http", channel.uuid)

    assert (found and found.id, wrong) == (channel.id, None)


async def test_the_first_channel_of_a_kind_is_the_default_until_another_is_made_so(tx: Tx) -> None:
    first, second = await create(tx, "One"), await create(tx, "Two")
    before = await channels.choose(tx, "sms")

    await channels.make_default(tx, second.id)
    after = await channels.choose(tx, "sms")

    assert (before.id, after.id) == (first.id, second.id)
    assert [one.is_default for one in await channels.all_of(tx)] == [False, True]


async def test_a_channel_of_another_kind_does_not_fit(tx: Tx) -> None:
    channel = await create(tx, **{"as": "email"})

    with pytest.raises(Invalid) as refused:
        await channels.choose(tx, "sms", channel.id)

    assert refused.value.code == "integration_channel_mismatch"


async def test_without_a_channel_there_is_no_route(tx: Tx) -> None:
    with pytest.raises(Invalid) as refused:
        await channels.choose(tx, "email")

    assert refused.value.code == "no_route"


async def test_routing_decides_between_own_and_shared(database: Database, account: int, other_account: int) -> None:
    shared = await world.simulator(database, POOL)
    own = await world.simulator(database, account)

    async with database.tx(account) as tx:
        chosen = [(await channels.choose(tx, "sms", routing=r)).id for r in ("platform", "integration", "auto", None)]
    async with database.tx(other_account) as tx:
        without = [(await channels.choose(tx, "sms", routing=r)).pool for r in ("platform", "auto", None)]
        with pytest.raises(Invalid):
            await channels.choose(tx, "sms", routing="integration")

    assert chosen[1:] == [own.id] * 3
    assert chosen[0] == (await pool_default(database)) or chosen[0] == shared.id
    assert without == [True] * 3


async def pool_default(database: Database) -> int:
    async with database.tx(POOL) as tx:
        found = await channels.pool(tx, "sms")
        assert found is not None
        return found.id


async def test_an_accounts_transaction_cannot_change_a_shared_channel(database: Database, account: int) -> None:
    shared = await world.simulator(database, POOL)

    async with database.tx(account) as tx:
        with pytest.raises(NotFound):
            await channels.delete(tx, shared.uuid)

    assert await channels.by_uuid(database, "simulator", shared.uuid) is not None


async def test_trouble_is_told_once_and_ends(database: Database, account: int) -> None:
    channel = await world.simulator(database, account)
    statement = "select id from events where account_id = $1 and type = 'channel.troubled'"

    for trouble in ("HTTP 401", "HTTP 401", None, None):
        await channels.set_trouble(database, channel, trouble)

    async with database.tx(account) as tx:
        assert (await channels.get(tx, channel.id)).trouble is None
    assert len(await world.execute(database.dsn, statement, account)) == 1
