"""`trunkline template …`: texts kept under a key."""

from typing import Annotated, Literal

from trunkline.commands.answers import Answer
from trunkline.commands.opening import workspace
from trunkline.commands.user import AccountId
from trunkline.core.config import Settings
from trunkline.messaging import templates
from trunkline.messaging.templates import Draft


async def create(
    settings: Settings,
    key: Annotated[str, "The key that programs name."],
    /,
    *,
    account: AccountId,
    channel: Annotated[Literal["sms", "email", "whatsapp", "voice"], "The kind of channel."],
    body: Annotated[str, "The text, with slots like {{first_name}}; HTML for email."],
    subject: Annotated[str | None, "For email."] = None,
    language: Annotated[str, "A code like en or pt-BR."] = "en",
    name: Annotated[str, "What people call it; the key without it."] = "",
) -> Answer:
    """Keep a message template."""
    draft = Draft(key=key, channel=channel, body=body, subject=subject, language=language, name=name)
    async with workspace(settings, account) as (tx, _):
        kept = await templates.create(tx, draft)
    document = {name: getattr(kept, name) for name in ("id", "uuid", "key", "channel", "language", "variables")}
    needs = f" It needs {', '.join(kept.variables)}." if kept.variables else ""
    return Answer(document, f"Kept {kept.key} for {kept.channel} in {kept.language}: {kept.uuid}.{needs}")
