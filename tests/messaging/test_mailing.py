"""What the pipeline adds to a mail."""

import msgspec
import pytest

from trunkline.core.db import Tx
from trunkline.messaging import mailing
from trunkline.messaging.lines import Claimed

pytestmark = pytest.mark.anyio


def claimed(**headers: object) -> Claimed:
    empty = {field.name: None for field in msgspec.structs.fields(Claimed)}
    return Claimed(**{**empty, "id": 7, "headers": headers or None})  # pyright: ignore


async def test_bulk_mail_carries_a_way_out(tx: Tx) -> None:
    mail = mailing.mail(tx, claimed(), "News", "<p>Hi</p>", bulk=True)

    assert mail.unsubscribe_url is not None
    mailing.check_link(tx.database.tools, mail.unsubscribe_url.rpartition("/")[2])


async def test_a_persons_answer_carries_none(tx: Tx) -> None:
    mail = mailing.mail(tx, claimed(), "Re: Hello", None, bulk=False)

    assert mail.unsubscribe_url is None


async def test_an_answer_stays_in_its_thread(tx: Tx) -> None:
    headers = {"in_reply_to": "<a@x>", "references": ["<0@x>", "<a@x>"], "cc": ["c@x"], "from_name": "Jane"}

    mail = mailing.mail(tx, claimed(**headers), "Re: Hello", None, bulk=False)

    assert (mail.in_reply_to, list(mail.references)) == ("<a@x>", ["<0@x>", "<a@x>"])
    assert (list(mail.cc), mail.from_name) == (["c@x"], "Jane")


async def test_each_message_has_its_own_link(tx: Tx) -> None:
    tools = tx.database.tools

    links = {mailing.unsubscribe_url(tools, tx.account, id) for id in range(5)}

    assert len(links) == 5
