"""Tell colleagues: a notice in the dashboard, a mail, or both."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from trunkline.core import mailaddr
from trunkline.core.db import Tx
from trunkline.core.jobs import Desk
from trunkline.workflows import colleagues, notices
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step, StepFailed, TryAgain

DEFAULT_TITLE = "{{workflow.name}}"


class Config(Struct, frozen=True):
    """Without `notify_user_ids` everybody is told. `email` is one more address that gets the mail."""

    message: Annotated[str, Meta(min_length=1, max_length=2000)]
    channel: Literal["in_app", "email", "both", "all"] = "in_app"
    title: Annotated[str, Meta(max_length=255)] | None = None
    email: Annotated[str, Meta(max_length=320)] | None = None
    icon: Annotated[str, Meta(max_length=100)] | None = None
    action_url: Annotated[str, Meta(max_length=2048, pattern=r"^(https?://|/|\{\{)")] | None = None
    notify_user_ids: Annotated[list[int], Meta(max_length=200)] = []

    @property
    def by_mail(self) -> bool:
        return self.channel != "in_app" or bool(self.email)


async def check(tx: Tx, config: Config) -> Problems:
    if config.email and "{{" not in config.email:
        try:
            mailaddr.parse(config.email)
        except mailaddr.BadEmail as error:
            return {"email": [str(error)]}
    return {}


async def ask(desk: Desk, scene: Scene, config: Config) -> str | None:
    """Mail it. Where no mail channel is connected, the notice alone has to do unless the mail is all there is."""
    if not config.by_mail:
        return None
    async with desk.tx() as tx:
        to = [] if config.channel == "in_app" else await colleagues.addresses(tx, config.notify_user_ids)
        channel = await colleagues.mail_channel(tx)
    if config.email:
        to.append(_address(scene.text(config.email)))
    if channel is None and config.channel != "email":
        return "No mail: no e-mail channel is connected."
    url = scene.text(config.action_url) if config.action_url else ""
    body = "\n\n".join(part for part in (scene.text(config.message), url) if part)
    subject = scene.text(config.title or DEFAULT_TITLE, "header")
    failed = await colleagues.mail(desk, list(dict.fromkeys(to)), subject, body, scene.key)
    if failed:
        raise TryAgain(failed)
    return f"Mailed to {len(set(to))}."


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    if config.channel != "email":
        await notices.add(
            tx,
            scene.text(config.title or DEFAULT_TITLE),
            scene.text(config.message),
            icon=config.icon,
            action_url=scene.text(config.action_url) if config.action_url else None,
            user_ids=config.notify_user_ids,
        )
    return Outcome(note=scene.answer)


def _address(written: str) -> str:
    try:
        return mailaddr.parse(written)
    except mailaddr.BadEmail as error:
        raise StepFailed(str(error)) from None


STEP = Step(config=Config, run=run, ask=ask, check=check)
