"""Draft a reply to what the contact wrote, as a note for colleagues. It never goes out by itself."""

from typing import Annotated

from msgspec import Meta, Struct

from trunkline.ai import replies
from trunkline.ai.grounds import Ask
from trunkline.ai.wire import ModelFailed
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.core.jobs import Desk
from trunkline.inbox import notes
from trunkline.workflows import talks
from trunkline.workflows.steps.base import Outcome, Scene, Step, StepFailed, TryAgain

HEADING = "Drafted reply:"
WORDS_PER_TOKEN = 0.75


class Config(Struct, frozen=True):
    """`max_tokens` is told to the model as a number of words."""

    instructions: Annotated[str, Meta(max_length=5000)] = ""
    max_tokens: Annotated[int, Meta(ge=1, le=4000)] | None = None


async def ask(desk: Desk, scene: Scene, config: Config) -> tuple[int, replies.Draft | str]:
    """The conversation, and the draft or why there is none."""
    async with desk.tx() as tx:
        conversation = await talks.of(tx, scene.execution)
    if conversation is None:
        raise StepFailed("There is no conversation with the contact to reply in.")
    instructions = scene.text(config.instructions)
    if config.max_tokens is not None:
        instructions = f"{instructions}\nUse at most {max(1, round(config.max_tokens * WORDS_PER_TOKEN))} words."
    try:
        return conversation, await replies.draft(desk, Ask(conversation_id=conversation), instructions=instructions)
    except Invalid as nothing:
        return conversation, nothing.message
    except ModelFailed as failed:
        raise TryAgain(failed.message) from None


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    conversation, draft = scene.answer
    if isinstance(draft, str):
        return Outcome(skipped=True, note=draft)
    text = f"{HEADING}\n\n{draft.text}"[: notes.MAX_LENGTH]
    note = await notes.add(tx, conversation, text, None)
    keep = {"reply": draft.text, "model": draft.model, "confidence": draft.confidence}
    return Outcome(note=f"Drafted as note {note.id}.", keep={"ai": keep})


STEP = Step(config=Config, run=run, ask=ask)
