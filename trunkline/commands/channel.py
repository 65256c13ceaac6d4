"""`trunkline channel …`: through what an account sends and receives."""

from typing import Annotated, Any

from trunkline.commands.answers import Answer, table
from trunkline.commands.opening import account_named, installation, uuid, workspace
from trunkline.commands.user import AccountId
from trunkline.core.config import Settings
from trunkline.core.errors import Refusal
from trunkline.messaging import channels
from trunkline.messaging.channels import POOL, Channel
from trunkline.storage import state


async def create(
    settings: Settings,
    kind: Annotated[str, "simulator, smtp, custom_http, …"],
    /,
    *,
    name: Annotated[str, "What the channel is called; one of a kind in its account."],
    address: Annotated[str, "The number or address that others see."] = "",
    account: Annotated[str | None, "UUID of the account that owns it."] = None,
    pool: Annotated[bool, "The operator owns it, and every account may use it for credits."] = False,
    set: Annotated[tuple[str, ...] | None, "A setting of the kind, as key=value; may be repeated."] = None,
) -> Answer:
    """Connect a channel."""
    if pool == (account is not None):
        raise Refusal("Say whose the channel is: either --account UUID or --pool.")
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
    text = f"Connected {channel.name}: {channel.uuid}\nCallbacks: {document['callback_url']}\nSecret: {secret}"
    return Answer(document, text)


async def list_all(settings: Settings, *, account: AccountId) -> Answer:
    """List the channels of an account."""
    async with workspace(settings, account) as (tx, _):
        found = await channels.all_of(tx)
    rows = [(one.uuid, one.kind, one.sends_as, one.address, one.name, one.trouble) for one in found]
    headings = ("UUID", "Kind", "Sends", "Address", "Name", "Trouble")
    text = table(headings, rows, empty="No channels. Connect one with `trunkline channel create`.")
    return Answer([_document(one) for one in found], text)


async def delete(settings: Settings, id: Annotated[str, "UUID of the channel."], /, *, account: AccountId) -> Answer:
    """Disconnect a channel."""
    hint = "`trunkline channel list` shows the channels of the account."
    wanted = uuid(id, "channel", hint)
    async with workspace(settings, account) as (tx, _):
        if all(one.uuid != wanted for one in await channels.all_of(tx)):
            raise Refusal(f"There is no channel {id} in this account. {hint}", code="not_found")
        channel = await channels.delete(tx, wanted)
    return Answer(_document(channel) | {"deleted": True}, f"Disconnected {channel.name}.")


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
