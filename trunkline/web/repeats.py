"""Forms that are sent twice: the first answer was lost, so the second leads to the same place and does nothing."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Literal

from starlette.responses import Response

from trunkline.core import idempotency
from trunkline.core.db import Tx
from trunkline.core.errors import Conflict
from trunkline.core.idempotency import Stored
from trunkline.web.visits import Visit

FIELD = "once"
ROUTE = "web.form"
MOST = 64

Standing = Literal["taken", "running"]


async def once(visit: Visit, answer: Callable[[], Awaitable[Response]]) -> Response:
    """What `answer` says. Scripts of ours number a form; a number that was taken before is not done again."""
    number = visit.form.raw(FIELD)
    if not is_number(number):
        return await answer()
    key, asked = _key(visit.visitor.user.id, number), hashlib.sha256(visit.request.url.path.encode()).digest()
    async with visit.tx() as tx:
        stored = await _claim(tx, visit, key, asked)
    if stored is not None:
        there = stored.headers["location"]
        return visit.to(there, visit.words("This had arrived already, and was not done again."))
    taken: Stored | None = None
    try:
        response = await answer()
        if response.status_code < 400:
            there = response.headers.get("location") or visit.back(visit.request.url.path).headers["location"]
            taken = Stored(asked, response.status_code, {"location": there}, b"")
    finally:
        async with visit.tx() as tx:
            await (idempotency.keep(tx, ROUTE, key, taken) if taken else idempotency.release(tx, ROUTE, key))
    return response


async def standing(tx: Tx, user_id: int, number: str) -> Standing | None:
    """What became of a form that somebody sent; None when it did not arrive or was refused."""
    stored = await idempotency.find(tx, ROUTE, _key(user_id, number)) if is_number(number) else None
    if stored is None:
        return None
    return "running" if stored.status == idempotency.RUNNING else "taken"


def is_number(said: str) -> bool:
    return 0 < len(said) <= MOST and said.isascii() and said.isprintable()


async def _claim(tx: Tx, visit: Visit, key: str, asked: bytes) -> Stored | None:
    try:
        stored = await idempotency.claim(tx, ROUTE, key, asked)
    except Conflict as error:
        told = "This form is still on its way. Look whether it has arrived before you send it again."
        raise Conflict(error.code, visit.words(told)) from None
    if stored is None:
        await idempotency.reserve(tx, ROUTE, key, asked)
    return stored


def _key(user_id: int, number: str) -> str:
    return f"{user_id}:{number}"
