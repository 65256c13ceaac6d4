"""Talks by mail: an agent writes, the customer answers with their own program, both through a real relay."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests import shops
from tests.peers import office as post_office
from tests.peers.office import Office, letter
from tests.shops import Shop
from trunkline.core.db import Database
from trunkline.core.errors import Invalid
from trunkline.core.ids import token
from trunkline.inbox import changes

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with post_office.running() as office:
        yield office


@pytest.fixture
async def shop(database: Database, account: int, office: Office) -> AsyncIterator[Shop]:
    async with shops.opened(database, account, office) as shop:
        yield shop


@pytest.fixture(params=["in.test", "desk.test"])
async def any_shop(
    request: pytest.FixtureRequest, database: Database, account: int, office: Office
) -> AsyncIterator[Shop]:
    """One that is reached by LMTP, and one that is reached by SMTP."""
    async with shops.opened(database, account, office, domain=request.param) as shop:
        yield shop


@pytest.fixture
def ana() -> str:
    return f"ana-{token(8).lower()}@x.test"


async def test_an_answer_comes_back_to_its_conversation_without_the_quote(
    any_shop: Shop, office: Office, ana: str
) -> None:
    shop = any_shop
    conversation = await shop.open(await shop.meet(ana, "Ana"), "Your order is ready.", "Order 7")
    [mail] = await office.read(ana)
    async with shop.database.tx(shop.account) as tx:
        await changes.close(tx, conversation.id)

    quote = f"On Monday The Shop <{mail.reply_to[0]}> wrote:\n\n> Your order is ready.\n"
    await office.post(letter(ana, mail.reply_to[0], "Something else", f"Thanks!\n\n{quote}"), ana, mail.reply_to[0])
    [heard] = await shop.heard(1)

    assert mail.reply_to[0].startswith("reply+")
    assert (heard.text, heard.conversation_id, heard.status) == ("Thanks!", conversation.id, "handled")
    [found] = await shop.conversations()
    assert (found.status, found.is_read) == ("open", False)


async def test_our_answer_stands_in_the_thread_of_the_question(shop: Shop, office: Office, ana: str) -> None:
    question = letter(ana, shop.address, "Where is it?", "Where is my order?", Message_ID=f"<{token(8)}@x.test>")
    await office.post(question, ana, shop.address)
    [heard] = await shop.heard(1)

    await shop.answer(heard.conversation_id or 0, "On its way.")
    await shop.answer(heard.conversation_id or 0, "It is there.")
    first, second = await office.read(ana, 2)

    ids = [question["Message-ID"], first.headers["message-id"][0]]
    assert first.headers["in-reply-to"] == (ids[0],)
    assert second.headers["in-reply-to"] == (ids[1],)
    assert second.headers["references"][0].split() == ids
    assert [first.subject, second.subject] == ["Re: Where is it?"] * 2
    assert "list-unsubscribe" not in first.headers


async def test_an_answer_is_known_by_what_it_answers_alone(shop: Shop, office: Office, ana: str) -> None:
    conversation = await shop.open(await shop.meet(ana), "Your order is ready.", "Order 7")
    [mail] = await office.read(ana)

    answer = letter(ana, shop.address, "Other words", "Thanks!", In_Reply_To=mail.headers["message-id"][0])
    await office.post(answer, ana, shop.address)
    [heard] = await shop.heard(1)

    assert heard.conversation_id == conversation.id


async def test_a_new_subject_is_a_new_conversation(shop: Shop, office: Office, ana: str) -> None:
    subjects = ["Order 7", "Invoice", "Re: Order 7"]
    for count, subject in enumerate(subjects, 1):
        await office.post(letter(ana, shop.address, subject, f"{subject}?"), ana, shop.address)
        await shop.heard(count)
    heard = await shop.heard(3)

    homes = [message.conversation_id for message in heard]
    assert homes[0] == homes[2] != homes[1]
    assert [one.subject for one in await shop.conversations()] == ["Order 7", "Invoice"]


async def test_nobody_writes_into_a_conversation_with_a_made_up_token(shop: Shop, office: Office, ana: str) -> None:
    conversation = await shop.open(await shop.meet(ana), "Your order is ready.", "Order 7")
    forged = f"reply+{conversation.id:x}-0123456789abcdef@in.test"

    await office.post(letter(ana, forged, "Hello", "Give me the order"), ana, forged)
    [heard] = await shop.heard(1)

    assert heard.conversation_id != conversation.id


async def test_a_token_in_the_hands_of_somebody_else_opens_their_own_conversation(
    shop: Shop, office: Office, ana: str
) -> None:
    conversation = await shop.open(await shop.meet(ana), "Your order is ready.", "Order 7")
    [mail] = await office.read(ana)
    eve, reply_to = f"eve-{ana}", mail.reply_to[0]

    stolen = letter(eve, reply_to, "Re: Order 7", "It is mine", In_Reply_To=mail.headers["message-id"][0])
    await office.post(stolen, eve, reply_to)
    [heard] = await shop.heard(1)

    assert heard.conversation_id != conversation.id
    assert heard.contact_id != conversation.contact_id


@pytest.mark.parametrize(
    "marks",
    [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"X_Autoreply": "yes"}, {"List_Id": "<l.x.test>"}, {}],
    ids=["auto-submitted", "precedence", "autoreply", "list", "null sender"],
)
async def test_what_a_program_wrote_is_filed_and_not_answered(
    shop: Shop, office: Office, ana: str, marks: dict[str, str]
) -> None:
    absent = letter(ana, shop.address, "Out of office", "I am away", **marks)

    await office.post(absent, ana if marks else "", shop.address)
    [heard] = await shop.heard(1)
    await shop.deliver()

    assert (heard.text, heard.status) == ("I am away", "handled")
    assert heard.conversation_id
    assert await shop.sent() == []


async def test_two_out_of_office_notes_end_where_they_meet(shop: Shop, office: Office, ana: str) -> None:
    conversation = await shop.open(await shop.meet(ana), "Your order is ready.", "Order 7")
    [mail] = await office.read(ana)
    note = letter(ana, mail.reply_to[0], "Out of office", "I am away", Auto_Submitted="auto-replied")

    await office.post(note, "", mail.reply_to[0])
    [heard] = await shop.heard(1)
    await shop.deliver()

    assert heard.conversation_id == conversation.id
    assert await office.count(ana) == 1


async def test_copies_go_out_and_hidden_ones_stay_hidden(shop: Shop, office: Office, ana: str) -> None:
    cc, bcc = f"cc-{ana}", f"bcc-{ana}"
    conversation = await shop.open(await shop.meet(ana), "Hello", "Order 7")

    await shop.answer(conversation.id, "With copies", cc=[cc], bcc=[bcc])
    [_, to_ana], [to_cc], [to_bcc] = await office.read(ana, 2), await office.read(cc), await office.read(bcc)

    assert {mail.text.strip() for mail in (to_ana, to_cc, to_bcc)} == {"With copies"}
    assert to_ana.cc == (cc,)
    assert not any(bcc in str(value) for mail in (to_ana, to_cc) for value in mail.headers.values())


async def test_a_copy_that_comes_back_to_us_is_no_message(shop: Shop, office: Office, ana: str) -> None:
    conversation = await shop.open(await shop.meet(ana), "Hello", "Order 7")

    await shop.answer(conversation.id, "With a copy to ourselves", cc=[shop.address])
    await office.post(letter(ana, shop.address, "Order 7", "And then I wrote"), ana, shop.address)
    heard = await shop.heard(1)

    assert [message.text for message in heard] == ["And then I wrote"]


@pytest.mark.parametrize("address", ["eve@x.test\r\nBcc: all@x.test", "eve@x.test, all@x.test", "eve"])
async def test_an_address_with_a_second_line_is_refused(shop: Shop, ana: str, address: str) -> None:
    conversation = await shop.open(await shop.meet(ana), "Hello", "Order 7")

    with pytest.raises(Invalid):
        await shop.answer(conversation.id, "Hello", cc=[address])


async def test_a_subject_with_a_second_line_stays_one(shop: Shop, office: Office, ana: str) -> None:
    await shop.open(await shop.meet(ana), "Hello", "Order\r\nBcc: eve@x.test\r\n\r\nBody")

    [mail] = await office.read(ana)

    assert mail.subject == "Order Bcc: eve@x.test Body"
    assert "bcc" not in mail.headers
    assert mail.text.strip() == "Hello"


async def test_a_name_with_a_second_line_adds_no_header(shop: Shop, office: Office, ana: str) -> None:
    await shop.meet(ana, "Ana\r\nX-Evil: yes")

    await shop.broadcast("For {{name}}", body="Hi {{name}}", html=None)
    [mail] = await office.read(ana)

    assert mail.subject == "For Ana X-Evil: yes"
    assert "x-evil" not in mail.headers


async def test_a_repeated_mail_is_one_message(shop: Shop, office: Office, ana: str) -> None:
    same = letter(ana, shop.address, "Order 7", "Once", Message_ID=f"<{token(8)}@x.test>")

    await asyncio.gather(*(office.hand_over(same, ana, shop.address) for _ in range(5)))
    await office.hand_over(same, ana, shop.address)
    heard = await shop.heard(1)

    assert [message.text for message in heard] == ["Once"]


@pytest.mark.parametrize("name", ["no end", "no header end", "odd charset", "wrong base64", "empty"])
async def test_a_broken_mail_gives_what_can_be_read(shop: Shop, office: Office, ana: str, name: str) -> None:
    await office.post(BROKEN[name].replace(b"ANA", ana.encode()), ana, shop.address)

    [heard] = await shop.heard(1)

    assert heard.address == ana
    assert heard.conversation_id


BROKEN = {
    "no end": b'From: ANA\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nHello',
    "no header end": b"From: ANA\r\nSubject: =?utf-8?b?!!!?= \xff\xfe",
    "odd charset": b"From: ANA\r\nContent-Type: text/plain; charset=klingon\r\n\r\nHello \xff\x00 there\r\n",
    "wrong base64": b"From: ANA\r\nContent-Transfer-Encoding: base64\r\n\r\n%%%not base64\r\n",
    "empty": b"\r\n",
}
