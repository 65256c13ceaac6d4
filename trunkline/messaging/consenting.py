"""Consent, as far as messages are concerned: the words people send, the links they click, and what it stops."""

from typing import Any

from msgspec import Struct

from trunkline.contacts import consents
from trunkline.core.db import Tx, sql
from trunkline.core.errors import NotFound
from trunkline.core.text import fold_words
from trunkline.messaging import sending

STOP_WORDS = frozenset(
    {
        *(
            "stop",
            "stopall",
            "stop all",
            "unsubscribe",
            "cancel",
            "end",
            "quit",
            "revoke",
            "optout",
            "opt out",
        ),
        *(
            "opt-out",
            "remove",
            "arret",
            "arrêt",
            "td",
            "stopp",
            "dezabonare",
            "alto",
            "baja",
            "parar",
            "sair",
        ),
    }
)
START_WORDS = frozenset({"start", "unstop", "yes", "optin", "opt in", "opt-in", "subscribe"})
HELP_WORDS = frozenset({"help", "info"})


class Addressed(Struct, frozen=True):
    contact_id: int
    sends_as: str
    address: str
    broadcast_id: int | None


def word(text: str) -> str | None:
    """ "stop", "start" or "help" when the whole message is such a word, however it is dressed up."""
    folded = fold_words(text)
    for name, words in (("stop", STOP_WORDS), ("start", START_WORDS), ("help", HELP_WORDS)):
        if folded in words:
            return name
    return None


async def stop(tx: Tx, contact_id: int, kind: str, address: str, *, source: str, evidence: dict[str, Any]) -> int:
    """Opt an address out and cancel what still waits for it. Returns how many messages were canceled.

    The address counts, also when its contact was deleted meanwhile.
    """
    living = await tx.value(int, LIVING, tx.account, contact_id)
    await consents.opt_out(tx, kind, address, source=source, evidence=evidence, contact_id=living)
    return await sending.cancel_for_address(tx, kind, address)


async def start(tx: Tx, contact_id: int, kind: str, address: str, *, source: str, evidence: dict[str, Any]) -> None:
    """Opt an address in again."""
    living = await tx.value(int, LIVING, tx.account, contact_id)
    await consents.opt_in(tx, kind, address, source=source, evidence=evidence, contact_id=living)


async def unsubscribe(tx: Tx, message_id: int, evidence: dict[str, Any]) -> str:
    """The address of a message wants no more mail. Returns the address."""
    addressed = await tx.maybe(Addressed, ADDRESSED, tx.account, message_id)
    if addressed is None:
        raise NotFound("link")
    known = await consents.suppressed(tx, addressed.sends_as, [addressed.address])
    await stop(tx, addressed.contact_id, addressed.sends_as, addressed.address, source="link", evidence=evidence)
    if addressed.broadcast_id and not known:
        await tx.run(COUNT, tx.account, f"broadcast:{addressed.broadcast_id}:unsubscribed")
        await tx.run(ENGAGED, tx.account, message_id, addressed.broadcast_id, addressed.contact_id)
    return addressed.address


COUNT = sql("insert into tallies (account_id, name, value) values ($1, $2, 1)")

ENGAGED = sql("""
    insert into engagements (account_id, message_id, broadcast_id, contact_id, unsubscribed_at)
    values ($1, $2, $3, $4, now())
    on conflict (account_id, message_id) do update set unsubscribed_at = excluded.unsubscribed_at
        where engagements.unsubscribed_at is null
""")

LIVING = sql("select id from contacts where account_id = $1 and id = $2 and deleted_at is null")

ADDRESSED = sql("""
    select m.contact_id, c.sends_as, m.address, m.broadcast_id from messages m
    join channels c on c.account_id in ($1, 0) and c.id = m.channel_id
    where m.account_id = $1 and m.id = $2
""")
