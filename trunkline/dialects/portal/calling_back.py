"""What the URLs are told that came along with messages: the same as webhooks are, of these messages alone."""

from collections.abc import Container, Sequence
from typing import Any

from msgspec import structs

from trunkline.core.db import Tx
from trunkline.core.events import Happened
from trunkline.dialects.portal import telling
from trunkline.messaging import told as messages
from trunkline.messaging.events import MessagesChanged
from trunkline.webhooks.callbacks import Call


async def call_back(tx: Tx, happened: Sequence[Happened]) -> list[Call]:
    """A batch of events of one type, each about some messages with a URL of their own."""
    urls = await messages.callbacks(tx, [id for one in happened for id in one.event.callbacks])
    theirs = [structs.replace(one, event=_of_these(one.event, urls)) for one in happened]
    told = await telling.tell(tx, theirs, lambda name: True)
    return [Call(urls[one.payload.data.id], one.event, one.payload) for one in told]


def _of_these(event: Any, ids: Container[int]) -> Any:
    if isinstance(event, MessagesChanged):
        return structs.replace(event, changes=[change for change in event.changes if change[0] in ids])
    return structs.replace(event, ids=[id for id in event.ids if id in ids])
