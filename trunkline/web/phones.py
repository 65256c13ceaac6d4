"""The phone wall: members of the workspace play the people at the other end of simulator channels."""

from starlette.datastructures import UploadFile
from starlette.responses import Response

from trunkline.channels.base import Attachment
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, TooLarge
from trunkline.messaging import channels, phones
from trunkline.messaging.channels import Channel
from trunkline.web import letters
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("phones")

PLAYS = ("sms", "whatsapp", "email")
REPORTS: tuple[phones.Report, ...] = ("delivered", "read", "failed")
LARGEST_FILE = 16 * 1024 * 1024
LONGEST = 4_096


@pages.get("/phones", level="interact")
async def wall(visit: Visit) -> Response:
    """All phones at once, by one look at what was said."""
    async with visit.tx() as tx:
        return letters.framing(
            visit.page(
                "phones/wall.html",
                block="wall",
                channels=await _simulators(tx),
                phones=await phones.all(tx),
                screens=await phones.screens(tx),
                plays=PLAYS,
                reports=REPORTS,
            )
        )


@pages.post("/phones", level="interact")
async def add(visit: Visit) -> Response:
    form = visit.form
    async with visit.tx() as tx:
        channel = form.number("channel")
        if channel is None:
            raise Invalid({"channel": [visit.words("Choose a channel.")]})
        await phones.add(tx, channel, address=form.text("address", most=255), name=form.text("name", most=64))
    return visit.to("/phones")


@pages.post("/phones/channels", level="admin")
async def connect(visit: Visit) -> Response:
    """A simulator channel with a phone at its end: all that a first look needs."""
    plays = visit.form.text("as")
    if plays not in PLAYS:
        raise Invalid({"as": [visit.words("Choose one of the list.")]})
    async with visit.tx() as tx:
        known = len(await _simulators(tx)) + 1
        number = f"hello{known}@example.com" if plays == "email" else f"+447700900{900 + known % 100}"
        name = visit.words("Simulated {kind} {number}", kind=visit.words(plays), number=known)
        made, _ = await channels.create(tx, "simulator", name, number, {"as": plays})
        await phones.add(tx, made.id)
    return visit.to("/phones")


@pages.post("/phones/{id:int}/messages", level="interact")
async def say(visit: Visit) -> Response:
    """The person writes, on the way that a provider's call takes."""
    form = visit.form
    file = form.file("file")
    await phones.say(
        visit.site.database,
        visit.visitor.account_id,
        visit.id(),
        form.text("text", most=LONGEST),
        subject=form.text("subject", most=255) or None,
        attachments=[await _attached(file)] if file else [],
    )
    return visit.to("/phones")


@pages.post("/phones/{id:int}/reports", level="interact")
async def report(visit: Visit) -> Response:
    known: dict[str, phones.Report] = {each: each for each in REPORTS}
    status = known.get(visit.form.text("status"))
    if status is None:
        raise Invalid({"status": [visit.words("Choose one of the list.")]})
    external = visit.form.text("message", most=255)
    await phones.report(visit.site.database, visit.visitor.account_id, visit.id(), external, status)
    return visit.to("/phones")


@pages.get("/phones/{id:int}/mails/{seq:int}", level="interact")
async def mail(visit: Visit) -> Response:
    async with visit.tx() as tx:
        return letters.letter(await phones.letter(tx, visit.id(), visit.id("seq")))


@pages.post("/phones/{id:int}/removal", level="interact")
async def remove(visit: Visit) -> Response:
    async with visit.tx() as tx:
        await phones.remove(tx, visit.id())
    return visit.to("/phones", visit.words("Taken off the wall. The contact stays."))


async def _simulators(tx: Tx) -> list[Channel]:
    return [each for each in await channels.all_of(tx) if each.kind == "simulator"]


async def _attached(file: UploadFile) -> Attachment:
    content = await file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise TooLarge("A file may have 16 MiB.")
    kind = (file.content_type or "application/octet-stream").partition(";")[0]
    return Attachment(content_type=kind, name=file.filename or "", content=content)
