"""Give the contact's conversation to a colleague: to a certain one, or to each in turn."""

from msgspec import Struct

from trunkline.contacts import people
from trunkline.contacts.records import Changes
from trunkline.core.db import Tx, sql
from trunkline.inbox import assignment
from trunkline.workflows import talks
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step, StepFailed


class Config(Struct, frozen=True):
    agent_id: int | None = None
    round_robin: bool = False


async def check(tx: Tx, config: Config) -> Problems:
    if config.agent_id is None and not config.round_robin:
        return {"agent_id": ["The agent id field is required unless round robin is true."]}
    if config.agent_id is None or config.round_robin or await assignment.assignee(tx, config.agent_id):
        return {}
    return {"agent_id": [assignment.NOT_ASSIGNABLE]}


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    """The conversation that it is about is theirs then. A contact without one has them as owner."""
    contact = scene.contact_id
    agent = await _next(tx, scene) if config.round_robin else config.agent_id
    if agent is None:
        raise StepFailed("Nobody in this workspace can be assigned conversations.")
    conversation = await talks.of(tx, scene.execution)
    if conversation is not None:
        await assignment.assign(tx, conversation, agent)
        return Outcome(note=f"Conversation {conversation} is assigned to user {agent}.")
    if await assignment.assignee(tx, agent) is None:
        raise StepFailed(assignment.NOT_ASSIGNABLE)
    await people.update(tx, contact, Changes(owner_id=agent))
    return Outcome(note=f"The contact belongs to user {agent}.")


async def _next(tx: Tx, scene: Scene) -> int | None:
    """Whose turn it is. Executions at the same time wait for each other here, so nobody is passed over."""
    colleagues = sorted(one.id for one in await assignment.assignees(tx))
    if not colleagues:
        return None
    workflow = scene.execution.workflow_id
    await tx.run(OPEN, tx.account, workflow, scene.node)
    last = await tx.value(int, LAST, tx.account, workflow, scene.node) or 0
    agent = next((id for id in colleagues if id > last), colleagues[0])
    await tx.run(TURN, tx.account, workflow, scene.node, agent)
    return agent


OPEN = sql("""
    insert into workflow_turns (account_id, workflow_id, node, user_id) values ($1, $2, $3, 0) on conflict do nothing
""")

LAST = sql("""
    select user_id from workflow_turns where account_id = $1 and workflow_id = $2 and node = $3 for update
""")

TURN = sql("""
    update workflow_turns set user_id = $4 where account_id = $1 and workflow_id = $2 and node = $3
""")

STEP = Step(config=Config, run=run, check=check)
