"""Shelves: what a workspace has for its flows besides the flows themselves, from rows to assets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from trunkline.ai import models
from trunkline.core import phones
from trunkline.core.db import Tx, sql
from trunkline.flows import assets
from trunkline.messaging.channels import Channel

MODEL = str(uuid5(NAMESPACE_URL, "trunkline:model"))


async def rows(tx: Tx) -> dict[str, list[tuple[Any, ...]]]:
    """What a workspace has, list by list, as it is stored."""
    return {kind: await tx.rows(statement, tx.account) for kind, statement in LISTS.items()}


def filled(tools: Any, rows: Mapping[str, Sequence[tuple[Any, ...]]], living: Sequence[Channel]) -> dict[str, Any]:
    """The same as assets; `living` are its channels, of which only active ones are shown."""
    subscribers: dict[str, list[str]] = {}
    for slug, url in rows["resthooks"]:
        subscribers.setdefault(slug, []).extend([url] if url else [])
    return {
        "channels": [_channel(channel) for channel in living if channel.active],
        "fields": [assets.Field(key=key, name=name, type=type, uuid=uuid) for uuid, key, name, type in rows["fields"]],
        "groups": [assets.Group(uuid=uuid, name=name, query=query or "") for _, uuid, name, query in rows["groups"]],
        "labels": [assets.Label(uuid=uuid, name=name) for _, uuid, name in rows["labels"]],
        "globals": [assets.Global(key=key, name=name, value=value) for key, name, value in rows["globals"]],
        "topics": [assets.Topic(uuid=uuid, name=name) for _, uuid, name in rows["topics"]],
        "users": [assets.User(uuid=uuid, name=name, email=email) for _, uuid, name, email in rows["users"]],
        "llms": _models(tools),
        "resthooks": [assets.Resthook(slug=slug, subscribers=tuple(urls)) for slug, urls in subscribers.items()],
        "templates": _templates(rows["templates"], living),
        "campaigns": [assets.Campaign(uuid=uuid, name=name) for uuid, name in rows["sequences"]],
    }


def _models(tools: Any) -> list[assets.Llm]:
    """The installation's model. Its uuid stays when the operator takes another one, so that flows go on."""
    if tools is None or not models.is_configured(tools.settings):
        return []
    return [assets.Llm(uuid=MODEL, name=tools.settings.ai_model, type=models.PROVIDER, roles=("engine",))]


def _channel(channel: Channel) -> assets.Channel:
    tel = channel.address if "tel" in channel.schemes and channel.address.startswith("+") else ""
    roles = ("call", "answer") if channel.sends_as == "voice" else ("send", "receive")
    return assets.Channel(
        uuid=str(channel.uuid),
        name=channel.name,
        address=channel.address,
        schemes=tuple(channel.schemes),
        roles=roles,
        country=(phones.country_of(tel) or "") if tel else "",
        allow_international=True,
    )


def _templates(rows: Iterable[tuple[Any, ...]], living: Iterable[Channel]) -> list[assets.Template]:
    """Each stored text as a template with one translation for each channel that it fits."""
    made = []
    for _, uuid, name, sends_as, language, body, variables in rows:
        component = {"type": "body/text", "name": "body", "content": body}
        component["variables"] = {variable: place for place, variable in enumerate(variables)}
        translations = tuple(
            assets.Translation(
                channel=_channel(channel).ref,
                locale=language,
                components=(component,),
                variables=tuple({"type": "text"} for _ in variables),
            )
            for channel in living
            if channel.sends_as == sends_as and channel.active
        )
        made.append(assets.Template(uuid=uuid, name=name, translations=translations))
    return made


LISTS = {
    "fields": sql("select uuid::text, key, label, type from fields where account_id = $1 order by id"),
    "groups": sql("select id, uuid::text, name, query from groups where account_id = $1 order by id"),
    "labels": sql("select id, uuid::text, name from labels where account_id = $1 order by id"),
    "globals": sql("select key, name, value from globals where account_id = $1 order by id"),
    "topics": sql("select id, uuid::text, name from topics where account_id = $1 order by id"),
    "users": sql("""
        select u.id, u.uuid::text, u.name, u.email from memberships m join users u on u.id = m.user_id
        where m.account_id = $1 and m.active and u.active order by u.id
    """),
    "resthooks": sql("""
        select h.slug, s.url from resthooks h
        left join resthook_subscribers s on s.account_id = $1 and s.resthook_id = h.id
        where h.account_id = $1 order by h.id, s.id
    """),
    "templates": sql("""
        select id, uuid::text, name, channel, language, body, variables from templates
        where account_id = $1 and status = 'approved' order by id
    """),
    "sequences": sql("select uuid::text, name from sequences where account_id = $1 and deleted_at is null order by id"),
}
