"""Listening: whether a flow answers a message. A keyword first, then what the contact waits in, then other triggers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from trunkline.contacts import people
from trunkline.core.db import Tx, sql
from trunkline.flows import cast, running, triggers
from trunkline.flows.cast import Member
from trunkline.flows.outcomes import Heard, Part
from trunkline.flows.stock import Rule, Stock

Choose = Callable[[Tx, Stock, Sequence["Message"]], Awaitable[list[Part]]]


class Message(Struct, frozen=True):
    """An inbound message that is filed. `attended`: a person sees to it.

    `opens`: the first one of its conversation, unless the channel told of its beginning before.
    """

    id: int
    uuid: UUID
    contact_id: int
    channel_id: int
    conversation_id: int | None
    scheme: str
    address: str
    text: str
    attachments: list[dict[str, Any]]
    external_id: str | None
    received_at: datetime
    opens: bool
    attended: bool

    @property
    def heard(self) -> Heard:
        return Heard(self.id, self.uuid, self.channel_id, self.conversation_id, self.received_at)


async def read(tx: Tx, ids: Sequence[int]) -> list[Message]:
    """The messages as they are stored, without those that have been answered already or are gone."""
    return await tx.fetch(Message, READ, tx.account, list(ids))


async def waiting_or_keyword(tx: Tx, stock: Stock, messages: Sequence[Message]) -> list[Part]:
    """A keyword starts its flow, unless the contact waits in a flow that ignores triggers; else the wait goes on.

    The contacts are locked already. Who was archived is back; who is blocked is not heard.
    """
    members = await _members(tx, stock, messages)
    await _bring_back(tx, members)
    there = [(message, members[message.contact_id]) for message in messages if message.contact_id in members]
    parts = []
    for message, member in there:
        found = None if _is_deaf(stock, member) else _rule(stock, message, member, "keyword")
        if found:
            parts += await _start(tx, stock, message, member, *found)
        elif member.waiting and member.waiting.wait == "msg" and member.waiting.type != "voice":
            await running.ready(tx, stock, [member])
            resume = {"type": "msg", "event": _event(stock, message), "resumed_on": message.received_at}
            parts.append(running.resume(stock, member, resume, _key(message), heard=message.heard))
    return parts


async def anything_else(tx: Tx, stock: Stock, messages: Sequence[Message]) -> list[Part]:
    """A new conversation, or any message that nobody looks after."""
    kinds: dict[int, list[triggers.Kind]] = {
        message.id: ["new_conversation", "catch_all"] if message.opens else ["catch_all"]
        for message in messages
        if not message.attended
    }
    if not kinds or not any(rule.kind in ("new_conversation", "catch_all") for rule in stock.triggers):
        return []
    members = await _members(tx, stock, messages)
    parts = []
    for message in messages:
        member = members.get(message.contact_id)
        if member is None or member.waiting is not None:
            continue
        found = next(
            (rule for kind in kinds.get(message.id, ()) if (rule := _rule(stock, message, member, kind))), None
        )
        if found:
            parts += await _start(tx, stock, message, member, *found)
    return parts


async def _members(tx: Tx, stock: Stock, messages: Sequence[Message]) -> dict[int, Member]:
    members = await cast.load(tx, stock, [message.contact_id for message in messages], locked=True)
    return {id: member for id, member in members.items() if member.contact.status != "blocked"}


async def _bring_back(tx: Tx, members: Mapping[int, Member]) -> None:
    archived = [member for member in members.values() if member.contact.status == "archived"]
    if archived:
        await people.change_status(tx, [member.id for member in archived], "active")
        for member in archived:
            member.contact.status = "active"


def _is_deaf(stock: Stock, member: Member) -> bool:
    """Whether the contact waits where keywords are words like others: on the telephone, or in a flow that says so."""
    if member.waiting is None:
        return False
    flow = stock.flows.get(member.waiting.flow_id)
    return member.waiting.type != "messaging" or bool(flow and flow.ignores_triggers)


def _rule(stock: Stock, message: Message, member: Member, kind: triggers.Kind) -> tuple[Rule, str] | None:
    groups = {stock.groups[group.uuid] for group in member.contact.groups if group.uuid in stock.groups}
    return triggers.matching(stock, kind, groups, channel_id=message.channel_id, text=message.text)


async def _start(tx: Tx, stock: Stock, message: Message, member: Member, rule: Rule, keyword: str) -> list[Part]:
    flow = stock.flow(rule.flow_id)
    if flow is None:
        return []
    await running.ready(tx, stock, [], [flow.uuid])
    trigger: dict[str, Any] = {"type": "msg", "event": _event(stock, message), "triggered_on": message.received_at}
    if rule.kind == "keyword":
        trigger["keyword_match"] = {"type": rule.match, "keyword": keyword}
    return [running.start(stock, member, flow, trigger, _key(message), heard=message.heard)]


def _event(stock: Stock, message: Message) -> dict[str, Any]:
    channel = stock.channels.get(stock.channel_uuids.get(message.channel_id, ""))
    msg: dict[str, Any] = {
        "urn": f"{message.scheme}:{message.address}",
        "text": message.text,
        "attachments": [
            f"{one.get('content_type') or 'application/octet-stream'}:{one['url']}"
            for one in message.attachments
            if one.get("url")
        ],
        "external_id": message.external_id or "",
    }
    if channel:
        msg["channel"] = {"uuid": str(channel.uuid), "name": channel.name}
    return {"type": "msg_received", "uuid": str(message.uuid), "created_on": message.received_at, "msg": msg}


def _key(message: Message) -> str:
    return f"message:{message.uuid}"


READ = sql("""
    select m.id, m.uuid, m.contact_id, m.channel_id, m.conversation_id, m.scheme, m.address,
        coalesce(m.body, '') as text, coalesce(m.attachments, '[]') as attachments, m.external_id,
        coalesce(m.sent_at, m.created_at) as received_at, coalesce(c.messages_count = 1, false) and not exists (
            select from channel_events e where e.account_id = $1 and e.contact_id = m.contact_id
                and e.channel_id = m.channel_id and e.type in ('new_conversation', 'welcome_message')
                and e.created_at between m.created_at - interval '1 day' and m.created_at
        ) as opens,
        coalesce(c.assignee_id is not null, false) or exists (
            select from tickets t where t.account_id = $1 and t.contact_id = m.contact_id and t.status = 'open'
        ) as attended
    from messages m left join conversations c on c.account_id = $1 and c.id = m.conversation_id
    where m.account_id = $1 and m.id = any($2::bigint[]) and m.direction = 'in' and m.status = 'received'
    order by m.id
""")
