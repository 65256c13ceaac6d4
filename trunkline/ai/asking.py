"""Asking: one question to the model for a flow or another automation, counted like everything else."""

from trunkline.accounts import accounts, settings
from trunkline.ai import models, spend
from trunkline.ai.models import Completion
from trunkline.ai.place import Place
from trunkline.ai.spend import Work
from trunkline.ai.wire import ModelFailed


async def ask(place: Place, instructions: str, input: str, max_tokens: int) -> Completion:
    """Let the model answer within the account's limits. Costs no credits.

    Raises ModelFailed, also where there is no model or the account wants none, and Conflict `ai_cap_reached`.
    """
    tools = place.database.tools
    async with place.tx() as tx:
        may_use_model = settings.value(await accounts.current(tx), "ai_use_model")
    if not (may_use_model and models.is_configured(tools.settings)):
        raise ModelFailed("No model is connected.")
    asked = models.estimate(instructions) + models.estimate(input)
    most = spend.cost(tools.settings, asked, max_tokens)
    work = Work(kind="flow", provider=models.PROVIDER, tokens=asked + max_tokens, cost=most)
    async with spend.counted(place, work) as outcome:
        http = await tools.operators_http()
        said = await models.complete(http, tools.settings, instructions, input, max_tokens)
        spend.take(outcome, said, tools.settings)
        outcome.ok = True
    return said
