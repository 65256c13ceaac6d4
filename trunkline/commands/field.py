"""Contact fields: who may do what with them."""

from typing import Annotated

from trunkline.commands.answers import Answer
from trunkline.commands.opening import workspace
from trunkline.commands.user import AccountId
from trunkline.contacts import fields
from trunkline.contacts.fields import Access
from trunkline.core.config import Settings


async def change(
    settings: Settings,
    key: Annotated[str, "Key of the field."],
    /,
    *,
    account: AccountId,
    agent_access: Annotated[Access, "What agents may do with its values."],
) -> Answer:
    """Change a contact field."""
    async with workspace(settings, account) as (tx, _):
        field = await fields.update(tx, key, agent_access=agent_access)
    document = {"key": field.key, "name": field.label, "type": field.type, "agent_access": field.agent_access}
    return Answer(document, f"Agents' access to {field.label}: {field.agent_access}.")
