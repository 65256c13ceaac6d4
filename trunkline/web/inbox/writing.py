"""What is written in the inbox: replies and their taking back, notes, drafts, files, and what an assistant suggests."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from starlette.responses import Response

from trunkline.ai import replies as suggestions
from trunkline.ai import sentiment
from trunkline.ai.grounds import Ask
from trunkline.core import clock, idempotency
from trunkline.core.db import Tx
from trunkline.core.errors import Conflict, Invalid
from trunkline.core.idempotency import Stored
from trunkline.inbox import (
    changes,
    drafts,
    forwarding,
    history,
    members,
    mentions,
    notes,
    offering,
    presence,
    replies,
    undoing,
)
from trunkline.messaging import media
from trunkline.web.inbox import shapes
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("inbox")

MOST_DRAFT = 120_000


@pages.post("/inbox/api/conversations/{id:int}/replies", level="interact")
async def reply(visit: Visit) -> Response:
    """Write to the contact. The same `client_id` again answers the same again, and sends nothing."""
    given = await visit.json(shapes.ReplyIn)
    return await _once(visit, "inbox.reply", given.client_id, given.text, lambda tx: _reply(tx, visit, given))


@pages.post("/inbox/api/conversations/{id:int}/template", level="interact")
async def send_template(visit: Visit) -> Response:
    """Send an approved template, which reaches also those who have not written for long."""
    given = await visit.json(shapes.TemplateIn)
    said = f"{given.template_id} {msgspec.json.encode(given.variables, order='sorted').decode()}"
    return await _once(visit, "inbox.template", given.client_id, said, lambda tx: _template(tx, visit, given))


@pages.post("/inbox/api/messages/{id:int}/forward", level="interact")
async def forward(visit: Visit) -> Response:
    """Mail a message to somebody else. A note in the conversation tells colleagues of it."""
    given = await visit.json(shapes.ForwardIn)
    said = f"{given.to} {given.comment}"
    return await _once(visit, "inbox.forward", given.client_id, said, lambda tx: _forward(tx, visit, given))


@pages.post("/inbox/api/conversations/{id:int}/notes", level="interact")
async def note(visit: Visit) -> Response:
    given = await visit.json(shapes.NoteIn)
    return await _once(visit, "inbox.note", given.client_id, given.text, lambda tx: _note(tx, visit, given.text))


@pages.post("/inbox/api/messages/{id:int}/withdrawal", level="interact")
async def take_back(visit: Visit) -> Response:
    """Take a reply back that has not left yet."""
    async with visit.tx() as tx:
        entry = await undoing.take_back(tx, visit.id())
    return visit.told({"entry": shapes.said(entry)})


@pages.post("/inbox/api/conversations/{id:int}/draft", level="interact")
async def draft(visit: Visit) -> Response:
    """Keep what is being written; empty content forgets it."""
    given = await visit.json(shapes.DraftIn)
    if len(msgspec.json.encode(given.content)) > MOST_DRAFT:
        raise Invalid({"content": ["This is too long to be kept."]})
    async with visit.tx() as tx:
        if given.content:
            await drafts.keep(tx, visit.id(), visit.visitor.user.id, given.kind, given.content)
        else:
            await drafts.forget(tx, visit.id(), visit.visitor.user.id)
    return visit.told({})


@pages.post("/inbox/api/conversations/{id:int}/presence", level="view")
async def be_present(visit: Visit) -> Response:
    given = await visit.json(shapes.PresenceIn)
    me = visit.visitor.user.id
    async with visit.tx() as tx:
        if given.doing == "gone":
            await presence.left(tx, visit.id(), me)
            return visit.told({"present": []})
        may = visit.may("interact")
        if given.doing == "taking" and may:
            return visit.told({"present": await presence.take_over(tx, visit.id(), me)})
        others = await presence.seen(tx, visit.id(), me, typing=given.doing == "typing" and may)
    return visit.told({"present": others})


@pages.post("/inbox/api/files", level="interact")
async def upload(visit: Visit) -> Response:
    given = visit.form.file("file")
    if given is None:
        raise Invalid({"file": ["Choose a file."]})
    content = await given.read(media.CAP + 1)
    kept = await media.add(
        visit.database, visit.visitor.account_id, content, name=given.filename or "file", by=visit.visitor.actor
    )
    url = shapes.path(media.address(visit.database.tools, visit.visitor.account_id, kept))
    return visit.told({"file": shapes.file(kept, url)})


@pages.post("/inbox/api/conversations/{id:int}/suggestion", level="interact")
async def suggest(visit: Visit) -> Response:
    """A reply for somebody to read, correct and send; with what it was drawn from."""
    given = await visit.json(shapes.WishIn)
    made = await suggestions.draft(
        visit, Ask(conversation_id=visit.id()), tone=given.tone, instructions=given.instructions
    )
    sources = [
        {"number": one.number, "title": one.passage.document.title, "url": one.passage.document.url or ""}
        for one in made.sources
    ]
    told = {"text": made.text, "model": made.model, "confidence": made.confidence, "unsupported": made.unsupported}
    return visit.told({**told, "sources": sources})


@pages.post("/inbox/api/conversations/{id:int}/mood", level="interact")
async def mood(visit: Visit) -> Response:
    """How the contact sounds in what they wrote last."""
    return visit.told(await sentiment.analyze(visit, conversation_id=visit.id()))


def body_cap(path: str) -> int | None:
    """The most bytes that an upload may have; None: no upload of ours. Room above is refused in our words."""
    return media.CAP + 1024 * 1024 if path == "/inbox/api/files" else None


async def _once(
    visit: Visit, route: str, client_id: UUID, said: str, work: Callable[[Tx], Awaitable[shapes.Said]]
) -> Response:
    """Do it the first time this `client_id` comes, and answer the same whenever it comes again."""
    async with visit.tx() as tx:
        key = f"{visit.visitor.user.id}:{client_id}"
        fingerprint = hashlib.sha256(msgspec.json.encode((visit.id(), said))).digest()
        stored = await idempotency.claim(tx, route, key, fingerprint)
        if stored is None:
            stored = Stored(fingerprint, 200, {}, msgspec.json.encode({"entry": await work(tx)}))
            await idempotency.keep(tx, route, key, stored)
    return visit.told(msgspec.Raw(stored.body))


async def _note(tx: Tx, visit: Visit, text: str) -> shapes.Said:
    made = await notes.add(tx, visit.id(), text, visit.visitor.user.id)
    await mentions.note(tx, made)
    await drafts.forget(tx, visit.id(), visit.visitor.user.id)
    return shapes.said(await history.note(tx, made.id))


async def _template(tx: Tx, visit: Visit, given: shapes.TemplateIn) -> shapes.Said:
    me = visit.visitor.user.id
    await _check_answered(tx, visit, given.seen, given.anyway)
    entry = await offering.answer(tx, visit.id(), given.template_id, given.variables, user_id=me)
    await presence.released(tx, visit.id(), me)
    return shapes.said(entry)


async def _forward(tx: Tx, visit: Visit, given: shapes.ForwardIn) -> shapes.Said:
    entry = await history.message(tx, visit.id())
    await forwarding.forward(tx, entry.id, given.to, given.comment, user_id=visit.visitor.user.id)
    words = visit.words("Forwarded to {address}.", address=given.to.strip())
    told = f"{words}\n{given.comment.strip()}".strip()
    made = await notes.add(tx, entry.conversation_id, told, visit.visitor.user.id)
    return shapes.said(await history.note(tx, made.id))


async def _check_answered(tx: Tx, visit: Visit, seen: int, anyway: bool) -> None:
    """Ask first when a colleague wrote what is not on the writer's screen yet."""
    if anyway:
        return
    if name := await history.latest_answer(tx, visit.id(), seen, but=visit.visitor.user.id):
        raise Conflict("answered_meanwhile", visit.words("{name} answered in the meantime.", name=name))


async def _reply(tx: Tx, visit: Visit, given: shapes.ReplyIn) -> shapes.Said:
    me = visit.visitor.user.id
    await _check_answered(tx, visit, given.seen, given.anyway)
    found = await media.by_uuids(tx, given.files)
    if len(found) < len(set(given.files)):
        raise Invalid({"files": ["A file is not there any more."]})
    tools = visit.database.tools
    entry = await replies.reply(
        tx,
        visit.id(),
        await members.signed(tx, me, given.text) if given.sign else given.text,
        user_id=me,
        cc=given.cc,
        bcc=given.bcc,
        subject=given.subject,
        attachments=[media.attached(tools, visit.visitor.account_id, found[uuid]) for uuid in given.files],
        at=_moment(given),
    )
    if given.close:
        await changes.close(tx, visit.id())
    await drafts.forget(tx, visit.id(), me)
    await presence.released(tx, visit.id(), me)
    return shapes.said(entry)


def _moment(given: shapes.ReplyIn) -> datetime | None:
    if given.at is not None:
        if given.at.tzinfo is None or given.at <= clock.now():
            raise Invalid({"at": ["This must be a moment in the future."]})
        return given.at
    return clock.now() + timedelta(seconds=given.hold) if given.hold else None
