"""What each colleague wants of the inbox."""

import pytest

from trunkline.core.errors import Invalid
from trunkline.inbox import members
from trunkline.inbox.members import KEYS, Member

pytestmark = pytest.mark.anyio


async def test_nothing_is_wanted_at_first(database, account, new_user) -> None:
    async with database.tx(account) as tx:
        assert await members.get(tx, await new_user()) == Member()


async def test_what_is_kept_is_ones_own(database, account, new_user) -> None:
    ana, bogdan = await new_user(), await new_user()
    wanted = Member(signature=" Ana \n", keys={"close": "W", "reply": "r"}, quiet_from="22:00", quiet_until="07:00")
    async with database.tx(account) as tx:
        await members.keep(tx, ana, wanted)

        kept, other = await members.get(tx, ana), await members.get(tx, bogdan)

    assert (kept.signature, kept.keys, kept.quiet_until) == ("Ana", {"close": "w"}, "07:00")
    assert other == Member()


async def test_two_keys_may_be_swapped_and_one_given_up(database, account, new_user) -> None:
    keys = {"close": KEYS["assign"], "assign": KEYS["close"], "spam": ""}
    async with database.tx(account) as tx:
        assert (await members.keep(tx, await new_user(), Member(keys=keys))).keys == keys


@pytest.mark.parametrize(
    "wrong",
    [
        {"keys": {"close": "r"}},
        {"keys": {"close": "g"}},
        {"keys": {"close": "Enter"}},
        {"keys": {"close": "ș"}},
        {"keys": {"fly": "w"}},
        {"quiet_from": "22:00"},
        {"quiet_from": "25:00", "quiet_until": "07:00"},
        {"signature": "x" * 2001},
    ],
)
async def test_what_cannot_be_is_refused(database, account, new_user, wrong: dict) -> None:
    user = await new_user()
    async with database.tx(account) as tx:
        with pytest.raises(Invalid):
            await members.keep(tx, user, Member(**wrong))


async def test_a_mail_is_signed(database, account, new_user) -> None:
    ana, bogdan = await new_user(), await new_user()
    async with database.tx(account) as tx:
        await members.keep(tx, ana, Member(signature="Ana"))

        assert await members.signed(tx, ana, "Hello") == "Hello\n\n-- \nAna"
        assert await members.signed(tx, bogdan, "Hello") == "Hello"
