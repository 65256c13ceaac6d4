"""The phone beside a flow: playing the flow as its contact. What was said stays in the page, sealed."""

import base64
import binascii
import zlib
from typing import Any

import msgspec
from starlette.responses import Response

from trunkline.contacts import listing
from trunkline.contacts.listing import Filter
from trunkline.core import clock
from trunkline.core.crypto import BadSeal
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid
from trunkline.flows import rehearsal
from trunkline.flows.rehearsal import Rehearsal, Wanted
from trunkline.flows.stored import Stored
from trunkline.web.flows.table import flow_of
from trunkline.web.sections import Section
from trunkline.web.visits import Visit

pages = Section("flows")

LARGEST = 700_000
"""Of a sealed rehearsal: a field of a form has at most a million characters."""


@pages.get("/flows/{uuid:uuid}/play", level="interact")
async def ready(visit: Visit) -> Response:
    async with visit.tx() as tx:
        flow = await flow_of(visit, tx)
        return await _shown(visit, tx, flow, None)


@pages.post("/flows/{uuid:uuid}/play", level="interact")
async def play(visit: Visit) -> Response:
    """Begin anew, or go on from the sealed state with an answer, a file, or a jump of the clock."""
    form = visit.form
    async with visit.tx() as tx:
        flow = await flow_of(visit, tx)
        before = _opened(visit, flow, form.raw("state"))
        if before is None or form.flag("anew"):
            made = await rehearsal.begin(tx, flow, before.wanted if before else await _wanted(visit, tx))
        else:
            made = await rehearsal.go_on(
                tx,
                flow,
                before,
                form.text("said", most=4_000),
                event=form.text("event"),
                attachment=FILES.get(form.text("file"), ""),
            )
        return await _shown(visit, tx, flow, made)


async def _shown(visit: Visit, tx: Tx, flow: Stored, made: Rehearsal | None) -> Response:
    values: dict[str, Any] = {"flow": flow, "play": made, "files": FILES, "person": made.person if made else None}
    return visit.page("flows/play.html", block="phone", state=_sealed(visit, flow, made) if made else "", **values)


async def _wanted(visit: Visit, tx: Tx) -> Wanted:
    form = visit.form
    body = form.text("webhook", most=20_000) or "{}"
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise Invalid({"webhook": [visit.words("This is no JSON.")]}) from None
    at, scheme = form.moment("at", visit.zone), form.text("scheme") or "tel"
    if at is not None and abs(at - clock.now()) > rehearsal.MOST_AHEAD:
        raise Invalid({"at": [visit.words("At most {days} days from now.", days=rehearsal.MOST_AHEAD.days)]})
    wanted = Wanted(
        language=form.text("language", most=3),
        webhook_body=body,
        scheme=scheme if scheme in rehearsal.ADDRESSES else "tel",
        at=at,
    )
    who = form.text("contact", most=200)
    if not who:
        return wanted
    found = await listing.page(tx, Filter(search=who), limit=1)
    if not found:
        raise Invalid({"contact": [visit.words("Nobody is found by that.")]})
    return msgspec.structs.replace(wanted, contact_id=found[0].id)


def _sealed(visit: Visit, flow: Stored, made: Rehearsal) -> str:
    """Oldest lines are forgotten when it grows too large to be sent back."""
    packed = zlib.compress(msgspec.msgpack.encode(made), 6)
    if len(packed) > LARGEST:
        packed = zlib.compress(msgspec.msgpack.encode(msgspec.structs.replace(made, said=made.said[-20:])), 6)
    return base64.urlsafe_b64encode(visit.vault.seal(packed, aad=_whose(visit, flow))).decode()


def _opened(visit: Visit, flow: Stored, state: str) -> Rehearsal | None:
    """None for what we did not seal for this person and flow: then it begins anew."""
    try:
        sealed = base64.urlsafe_b64decode(state.encode("ascii", "replace"))
        packed = visit.vault.open(sealed, aad=_whose(visit, flow)) if sealed else b""
        return msgspec.msgpack.decode(zlib.decompress(packed), type=Rehearsal) if packed else None
    except (BadSeal, binascii.Error, zlib.error, msgspec.DecodeError):
        return None


def _whose(visit: Visit, flow: Stored) -> str:
    return f"rehearsal:{visit.visitor.account_id}:{visit.visitor.user.id}:{flow.uuid}"


# What a phone may send besides words: things of the kinds that flows ask for, at no real address.
FILES = {
    "image": "image/jpeg:https://example.com/picture.jpg",
    "audio": "audio/mp3:https://example.com/recording.mp3",
    "video": "video/mp4:https://example.com/film.mp4",
    "location": "geo:44.4268,26.1025",
}
