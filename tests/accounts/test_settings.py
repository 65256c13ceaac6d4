"""Settings of an account."""

import pytest

from trunkline.accounts import accounts, audit, settings
from trunkline.core.crypto import Vault
from trunkline.core.db import Database, Tx
from trunkline.core.egress import Egress
from trunkline.core.errors import Invalid

pytestmark = pytest.mark.anyio

VAULT = Vault(b"a secret of sixteen bytes or more")


async def test_text_becomes_typed_values(tx: Tx) -> None:
    given = {
        "anon": "yes",
        "languages": "ron, eng",
        "timezone": "Europe/Bucharest",
        "country": "ro",
        "metered": "true",
        "starting_credits": "25",
        "rate.v2": "5/Second",
        "webhook_events": "new_contact,new_message",
        "webhook_url": "https://example.com/hook",
    }

    account = await settings.put(tx, given, operator=True)

    assert (account.languages, account.timezone, account.country, account.metered) == (
        ["ron", "eng"],
        "Europe/Bucharest",
        "RO",
        True,
    )
    assert account.settings == {
        "anon": True,
        "starting_credits": 25,
        "rate.v2": "5/second",
        "webhook_events": ["new_contact", "new_message"],
        "webhook_url": "https://example.com/hook",
    }


async def test_what_was_set_before_stays(tx: Tx) -> None:
    await settings.put(tx, {"anon": True, "auto_recharge_threshold": 50, "country": "RO"})

    account = await settings.put(tx, {"auto_recharge_threshold": "", "date_style": "month_first"})

    assert account.settings == {"anon": True, "date_style": "month_first"}
    assert account.country == "RO"


async def test_a_country_can_be_removed(tx: Tx) -> None:
    await settings.put(tx, {"country": "RO"})

    account = await settings.put(tx, {"country": None})

    assert account.country is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("anon", "maybe"),
        ("languages", "en"),
        ("languages", ""),
        ("timezone", "Mars/Base"),
        ("country", "ZZ"),
        ("date_style", "sideways"),
        ("starting_credits", "-1"),
        ("starting_credits", "1.5"),
        ("auto_recharge_amount", "0"),
        ("auto_recharge_threshold", "9999999999999"),
        ("rate.v2", "many"),
        ("rate.", "5/minute"),
        ("webhook_url", "http://example.com/hook"),
        ("webhook_url", "https://127.0.0.1/hook"),
        ("webhook_events", "new contact"),
        ("webhook_secret", "whsec_mine"),
        ("webhook_secret", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("webhook_events", "new_contact,appointment_booked"),
        ("webhook_tags", "x" * 101),
        ("name", "two\nlines"),
    ],
)
async def test_a_wrong_value_is_refused_and_nothing_changes(tx: Tx, name: str, value: str) -> None:
    before = await accounts.current(tx)

    with pytest.raises(Invalid) as refused:
        await settings.put(tx, {"anon": "yes", name: value} if name != "anon" else {name: value}, operator=True)

    assert list(refused.value.fields) == [name]
    assert await accounts.current(tx) == before


async def test_an_unknown_setting_is_told_the_known_ones(tx: Tx) -> None:
    with pytest.raises(Invalid) as refused:
        await settings.put(tx, {"colour": "red"})

    assert "anon" in refused.value.message
    assert "rate.<bucket>" in refused.value.message


@pytest.mark.parametrize("name", ["metered", "suspended", "flagged", "rate.v2"])
async def test_an_account_cannot_change_what_is_the_operators(tx: Tx, name: str) -> None:
    with pytest.raises(Invalid, match="Only the operator"):
        await settings.put(tx, {name: "no"})


async def test_the_operators_list_opens_private_targets(tx: Tx) -> None:
    account = await settings.put(tx, {"webhook_url": "http://127.0.0.1:9000/hook"}, egress=Egress(["127.0.0.1:9000"]))

    assert account.settings["webhook_url"] == "http://127.0.0.1:9000/hook"


async def test_show_gives_defaults_and_one_lasting_secret(tx: Tx) -> None:
    first = await settings.show(tx, VAULT)
    again = await settings.show(tx, VAULT)

    assert first == again
    assert first["webhook_secret"].startswith("whsec_")
    assert (first["anon"], first["date_style"], first["webhook_url"]) == (False, "day_first", None)


async def test_the_secret_is_stored_sealed(tx: Tx) -> None:
    shown = await settings.webhook_secret(tx, VAULT)

    stored = (await accounts.current(tx)).settings["webhook_secret"]

    assert shown.removeprefix("whsec_") not in stored


async def test_a_change_is_written_into_the_audit_log(tx: Tx) -> None:
    await settings.put(tx, {"anon": "yes"})

    latest = (await audit.entries(tx))[0]

    assert (latest.actor, latest.action, latest.details) == ("test", "account.changed", {"settings": ["anon"]})


async def test_settings_of_another_account_are_out_of_reach(
    database: Database, account: int, other_account: int
) -> None:
    async with database.tx(account, "test") as tx:
        await settings.put(tx, {"anon": "yes"})

    async with database.tx(other_account, "test") as tx:
        assert settings.value(await accounts.current(tx), "anon") is False


async def test_a_secret_of_ones_own_is_kept_sealed(tx):
    own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    await settings.put(tx, {"webhook_secret": own})

    assert await settings.webhook_secret(tx, tx.database.tools.vault) == own
    assert own not in str((await accounts.current(tx)).settings)


async def test_a_secret_that_is_removed_gives_way_to_a_new_one(tx):
    vault = tx.database.tools.vault
    first = await settings.webhook_secret(tx, vault)

    await settings.put(tx, {"webhook_secret": ""})

    assert await settings.webhook_secret(tx, vault) not in ("", first)
