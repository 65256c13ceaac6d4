"""`trunkline migrate` and `trunkline release`."""

from trunkline.commands.answers import Answer
from trunkline.commands.opening import installation
from trunkline.core.config import Settings
from trunkline.storage import postgres, schema, state


async def migrate(settings: Settings) -> Answer:
    """Bring the database to this version."""
    async with postgres.database(settings.data, settings.database_url or None, settings.postgres_bin or None) as dsn:
        applied = await schema.migrate(dsn)
    text = "\n".join(f"Applied {name}" for name in applied) or "The database is up to date."
    return Answer({"applied": applied, "schema": len(schema.read())}, text)


async def release(settings: Settings) -> Answer:
    """End the held state that follows a restore: from now on messages are sent again."""
    async with installation(settings) as database, database.system() as tx:
        was_held = await state.release(tx)
    text = "Released: messages are sent again." if was_held else "Nothing was held; messages are being sent."
    return Answer({"held": False, "was_held": was_held}, text)
