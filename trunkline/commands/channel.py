"""`trunkline channel …`: through what an account sends and receives."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from trunkline.commands.answers import Answer, table
from trunkline.commands.opening import account_named, installation, uuid
from trunkline.commands.parsing import Usage
from trunkline.core.config import Settings
from trunkline.core.db import Tx
from trunkline.core.errors import Refusal
from trunkline.messaging import channels
from trunkline.messaging.channels import POOL, Channel
from trunkline.storage import state

Owner = Annotated[str | None, "UUID of the account that owns it."]
Pool = Annotated[bool, "The operator owns it, and every account may use it for credits."]


async def create(
    settings: Settings,
    kind: Annotated[str, "simulator, smtp, custom_http, …"],
    /,
    *,
    name: Annotated[str, "What the channel is called; one of a kind in its account."],
    address: Annotated[str, "The number or address that others see."] = "",
    account: Owner = None,
    pool: Pool = False,
    set: Annotated[tuple[str, ...] | None, "A setting of the kind, as key=value; may be repeated."] = None,
) -> Answer:
    """Connect a channel."""
    _one_owner(account, pool=pool)
    if not name.strip():
        raise Refusal("The channel needs a name. Give one with --name.")
    values = dict(_split(text) for text in set or ())
    async with installation(settings, tools=True, make=pool) as database:
        async with database.system() as tx:
            owner = (await account_named(tx, account)).id if account else POOL
            url = settings.public_url or await state.read(tx, state.URL) or "http://localhost:8080"
        async with database.tx(owner) as tx:
            channel, secret = await channels.create(tx, kind, name.strip(), address.strip(), values)
    document = _document(channel) | {"callback_url": url.rstrip("/") + channel.callback_path, "secret": secret}
    lines = [f"Connected {channel.name}: {channel.uuid}", f"Number: {channel.id}"]
    text = "\n".join([*lines, f"Callbacks: {document['callback_url']}", f"Secret: {secret}"])
    return Answer(document, text)


async def list_all(settings: Settings, *, account: Owner = None, pool: Pool = False) -> Answer:
    """List the channels of an account, or the operator's."""
    async with _owned(settings, account, pool=pool) as tx:
        found = await channels.all_of(tx)
    rows = [(one.uuid, one.kind, one.sends_as, one.address, one.name, one.trouble) for one in found]
    headings = ("UUID", "Kind", "Sends", "Address", "Name", "Trouble")
    text = table(headings, rows, empty="No channels. Connect one with `trunkline channel create`.")
    return Answer([_document(one) for one in found], text)


async def delete(
    settings: Settings,
    id: Annotated[str, "UUID of the channel."],
    /,
    *,
    account: Owner = None,
    pool: Pool = False,
) -> Answer:
    """Disconnect a channel."""
    place, hint = ("pool", "--pool") if pool else ("account", "--account UUID")
    hint = f"`trunkline channel list {hint}` shows the channels of the {place}."
    wanted = uuid(id, "channel", hint)
    async with _owned(settings, account, pool=pool) as tx:
        if all(one.uuid != wanted for one in await channels.all_of(tx)):
            raise Refusal(f"There is no channel {id} in this {place}. {hint}", code="not_found")
        channel = await channels.delete(tx, wanted)
    return Answer(_document(channel) | {"deleted": True}, f"Disconnected {channel.name}.")


@asynccontextmanager
async def _owned(settings: Settings, account: str | None, *, pool: bool) -> AsyncIterator[Tx]:
    """A transaction of the account, or of the operator."""
    _one_owner(account, pool=pool)
    async with installation(settings) as database:
        async with database.system() as tx:
            owner = (await account_named(tx, account)).id if account else POOL
        async with database.tx(owner) as tx:
            yield tx


def _one_owner(account: str | None, *, pool: bool) -> None:
    if pool == (account is not None):
        raise Usage("Say whose the channel is: either --account UUID or --pool.")


def _split(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise Refusal(f"{text!r} is no setting. Write it as --set key=value.")
    return key.strip(), value


def _document(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "uuid": channel.uuid,
        "kind": channel.kind,
        "sends_as": channel.sends_as,
        "name": channel.name,
        "address": channel.address,
        "trouble": channel.trouble,
    }
