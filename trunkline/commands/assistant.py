"""`trunkline assistant …`: who answers customers by itself. Integrations know assistants as campaigns, by `id`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from msgspec import UNSET, UnsetType

from trunkline.ai import assistants
from trunkline.ai.assistants import Assistant, Changes
from trunkline.commands import opening
from trunkline.commands.answers import Answer, table
from trunkline.commands.user import AccountId
from trunkline.core import opaque
from trunkline.core.config import Settings
from trunkline.core.crypto import Vault
from trunkline.core.db import Tx
from trunkline.core.errors import NotFound, Refusal

Instructions = Annotated[str | None, "What the assistant should know and how it should behave."]
Keywords = Annotated[str | None, "Words that call this assistant, with commas between."]
Knowledge = Annotated[str | None, "Categories of the knowledge base that it answers from; without any, all."]
Tone = Annotated[Literal["professional", "friendly", "concise"] | None, "How it writes."]
Farewell = Annotated[str | None, "What customers read when people take over."]
Wait = Annotated[int | None, "Seconds that it waits for another message."]
Most = Annotated[int | None, "Seconds that it waits at most."]
Id = Annotated[str, "UUID of the assistant, or its id."]


async def create(
    settings: Settings,
    name: Annotated[str, "What the assistant is called; one of a name in its account."],
    /,
    *,
    account: AccountId,
    instructions: Instructions = None,
    keywords: Keywords = None,
    default: Annotated[bool, "It answers whatever no other assistant is asked for."] = False,
    knowledge: Knowledge = None,
    tone: Tone = None,
    handover_text: Farewell = None,
    wait: Wait = None,
    most: Most = None,
) -> Answer:
    """Make an assistant that answers customers by itself."""
    changes = Changes(
        instructions=_given(instructions),
        keywords=_list(keywords),
        categories=_list(knowledge),
        is_default=default,
        tone=_given(tone),
        handover_text=_given(handover_text),
        wait_seconds=_given(wait),
        most_seconds=_given(most),
    )
    async with _workspace(settings, account) as (tx, vault):
        made = await assistants.create(tx, name, changes)
    document = _document(made, vault)
    return Answer(document, f"{made.name} answers: {document['id']}")


async def list_all(settings: Settings, *, account: AccountId) -> Answer:
    """List the assistants of an account."""
    async with _workspace(settings, account) as (tx, vault):
        found = await assistants.all_of(tx)
    documents = [_document(one, vault) for one in found]
    columns = ("id", "uuid", "active", "default", "keywords", "name")
    rows = [[one[column] for column in columns] for one in documents]
    headings = ("Id", "UUID", "Active", "Default", "Keywords", "Name")
    text = table(headings, rows, empty="No assistants. Make one with `trunkline assistant create`.")
    return Answer(documents, text)


async def change(
    settings: Settings,
    id: Id,
    /,
    *,
    account: AccountId,
    name: Annotated[str | None, "What the assistant is called."] = None,
    instructions: Instructions = None,
    keywords: Keywords = None,
    default: Annotated[Literal["yes", "no"] | None, "Whether it answers whatever no other is asked for."] = None,
    active: Annotated[Literal["yes", "no"] | None, "Whether it answers at all."] = None,
    knowledge: Knowledge = None,
    tone: Tone = None,
    handover_text: Farewell = None,
    wait: Wait = None,
    most: Most = None,
) -> Answer:
    """Change an assistant; an empty text takes away what it had."""
    changes = Changes(
        name=_given(name),
        instructions=_given(instructions),
        keywords=_list(keywords),
        categories=_list(knowledge),
        is_default=_flag(default),
        is_active=_flag(active),
        tone=_given(tone),
        handover_text=_given(handover_text),
        wait_seconds=_given(wait),
        most_seconds=_given(most),
    )
    async with _workspace(settings, account) as (tx, vault):
        changed = await assistants.update(tx, (await _named(tx, vault, id)).id, changes)
    return Answer(_document(changed, vault), f"Changed {changed.name}.")


async def delete(settings: Settings, id: Id, /, *, account: AccountId) -> Answer:
    """Remove an assistant; the default one answers whom it talked to."""
    async with _workspace(settings, account) as (tx, vault):
        gone = await _named(tx, vault, id)
        await assistants.delete(tx, gone.id)
    return Answer(_document(gone, vault) | {"deleted": True}, f"Removed {gone.name}.")


@asynccontextmanager
async def _workspace(settings: Settings, account: str) -> AsyncIterator[tuple[Tx, Vault]]:
    async with opening.workspace(settings, account, tools=True) as (tx, _):
        yield tx, tx.database.tools.vault


async def _named(tx: Tx, vault: Vault, id: str) -> Assistant:
    """By UUID, or by the id that integrations use."""
    hint = "`trunkline assistant list` shows the assistants of an account."
    number = opaque.read(vault, assistants.OPAQUE, id)
    try:
        if number is not None:
            return await assistants.get(tx, number)
        return await assistants.by_uuid(tx, opening.uuid(id, "assistant", hint))
    except NotFound:
        raise Refusal(f"There is no assistant {id}. {hint}", code="not_found") from None


def _given(value: Any) -> Any:
    return UNSET if value is None else value


def _list(value: str | None) -> list[str] | UnsetType:
    return UNSET if value is None else [word.strip() for word in value.split(",") if word.strip()]


def _flag(value: str | None) -> bool | UnsetType:
    return UNSET if value is None else value == "yes"


def _document(one: Assistant, vault: Vault) -> dict[str, Any]:
    return {
        "id": opaque.write(vault, assistants.OPAQUE, one.id),
        "uuid": one.uuid,
        "name": one.name,
        "instructions": one.instructions,
        "tone": one.tone,
        "keywords": one.keywords,
        "knowledge": one.categories,
        "default": one.is_default,
        "active": one.is_active,
        "handover_text": one.handover_text,
        "wait": one.wait_seconds,
        "most": one.most_seconds,
    }
