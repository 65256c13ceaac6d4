"""Endings: taking contacts out of flows, and flows out of use."""

from collections.abc import Sequence

from trunkline.core.db import Tx, sql
from trunkline.core.events import Happened
from trunkline.core.jobs import Desk, job
from trunkline.flows import standing, triggers, waiting
from trunkline.flows.facts import FlowsArchived

BATCH = 500


async def interrupt(tx: Tx, contacts: Sequence[int]) -> int:
    """End what these contacts wait in. Returns how many waited."""
    wanted = sorted(set(contacts))
    await tx.run(LOCK, tx.account, wanted)
    return await standing.interrupt(tx, wanted)


async def archive(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Take flows out of use: nobody starts them any more, their triggers rest, whoever waits in them is let go."""
    archived = await tx.column(int, ARCHIVE, tx.account, list(ids))
    await triggers.archive_for_flows(tx, archived)
    for id in archived:
        empty.later(tx, id, key=f"flow:{id}")
    if archived:
        tx.record(FlowsArchived(archived, archived=True))
    return archived


async def let_go(tx: Tx, happened: Sequence[Happened]) -> None:
    """Reaction: nobody waits for a contact that was deleted."""
    for one in happened:
        await interrupt(tx, one.event.contact_ids)


@job("flow.empty", apart=True)
async def empty(desk: Desk, flow: int) -> None:
    """Let go of everybody who waits in a flow, a few hundred at a time."""
    last = 0
    while True:
        async with desk.tx() as tx:
            contacts = await waiting.in_flow(tx, flow, last, BATCH)
            if not contacts:
                return
            last = contacts[-1]
            await tx.run(LOCK, tx.account, contacts)
            # Who moved on before the lock was ours stays where they went.
            await standing.interrupt(
                tx, [id for id, row in (await waiting.of(tx, contacts)).items() if row.flow_id == flow]
            )


LOCK = sql("""
    select id from contacts where account_id = $1 and id = any($2::bigint[]) order by id for no key update
""")

ARCHIVE = sql("""
    update flows set archived = true, modified_at = now()
    where account_id = $1 and id = any($2::bigint[]) and not archived returning id
""")
