"""`trunkline broadcast …`: one message for many, stopped and started by hand."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from trunkline.campaigns import broadcasts
from trunkline.campaigns.broadcasts import Broadcast
from trunkline.commands.answers import Answer, table
from trunkline.commands.opening import installation, workspace
from trunkline.commands.user import AccountId
from trunkline.core.config import Settings
from trunkline.core.db import Tx
from trunkline.core.errors import Refusal
from trunkline.storage import state

Id = Annotated[str, "Number or UUID of the broadcast."]


async def list_all(settings: Settings, *, account: AccountId) -> Answer:
    """List the latest broadcasts of an account."""
    async with workspace(settings, account) as (tx, _):
        found, _ = await broadcasts.page(tx, limit=100)
        progress = await broadcasts.progress(tx, found)
    rows = [(one.id, one.status, one.channel, progress[one.id].handed_over, one.total, one.name) for one in found]
    text = table(("ID", "State", "Channel", "Sent", "Of", "Name"), rows, empty="No broadcasts.")
    return Answer([_document(one) | {"progress": progress[one.id]} for one in found], text)


async def pause(settings: Settings, id: Id, /) -> Answer:
    """Stop sending a broadcast for now."""
    return await _move(settings, id, broadcasts.pause)


async def resume(settings: Settings, id: Id, /) -> Answer:
    """Go on sending a paused broadcast."""
    return await _move(settings, id, broadcasts.resume)


async def cancel(settings: Settings, id: Id, /) -> Answer:
    """Stop a broadcast for good and give its credits back."""
    return await _move(settings, id, broadcasts.cancel)


async def _move(settings: Settings, id: str, move: Callable[[Tx, int], Awaitable[Broadcast]]) -> Answer:
    async with installation(settings) as database:
        async with database.system() as tx:
            place = await state.broadcast(tx, id)
        if place is None:
            hint = "`trunkline broadcast list --account UUID` shows those of an account."
            raise Refusal(f"There is no broadcast {id}. {hint}", code="not_found")
        async with database.tx(place.account_id) as tx:
            moved = await move(tx, place.id)
    return Answer(_document(moved), f"{moved.name} is {moved.status}.")


def _document(broadcast: Broadcast) -> dict[str, Any]:
    return {
        "id": broadcast.id,
        "uuid": broadcast.uuid,
        "name": broadcast.name,
        "channel": broadcast.channel,
        "status": broadcast.status,
        "total": broadcast.total,
    }
