"""Outside: who answers when a flow asks for a web address, a mail, a model. Never called inside a transaction."""

from uuid import NAMESPACE_URL, uuid5

from trunkline.ai import asking
from trunkline.ai.wire import ModelFailed
from trunkline.channels.base import Mail, Outbound, Wire
from trunkline.core import clock, mailaddr
from trunkline.core.db import Tx
from trunkline.core.errors import Conflict
from trunkline.core.http import HttpFailure
from trunkline.core.jobs import Desk
from trunkline.core.urns import Urn
from trunkline.flows.requests import (
    AirtimeAnswer,
    AirtimeTransfer,
    Answer,
    EmailAnswer,
    EmailSend,
    HttpAnswer,
    HttpCall,
    LlmAnswer,
    LlmCall,
    Request,
)
from trunkline.flows.stock import Stock
from trunkline.messaging import channels
from trunkline.messaging.carrier import Carrier

SECONDS = 15.0


async def answer(desk: Desk, stock: Stock, request: Request, key: str) -> Answer:
    """What the engine is told. `key` is the same whenever this very call is repeated after a crash."""
    match request:
        case HttpCall():
            return await call(desk, request, key)
        case EmailSend():
            return await mail(desk, request)
        case LlmCall():
            return await model(desk, request)
        case AirtimeTransfer():
            return AirtimeAnswer(error="No airtime provider is connected to this workspace.")
    raise TypeError(f"nobody answers {type(request).__name__}")


async def call(desk: Desk, request: HttpCall, key: str) -> HttpAnswer:
    """One HTTP request under the egress guard. `Idempotency-Key` lets the peer tell a repeat."""
    http = await desk.tools.http()
    headers = {"Idempotency-Key": str(uuid5(NAMESPACE_URL, f"trunkline:{desk.account}:{key}")), **request.headers}
    body = request.body.encode() if request.body else None
    started = clock.monotonic()
    try:
        answered = await http.request(
            request.method, request.url, headers=headers, body=body, timeout=SECONDS, cap=request.max_response
        )
    except HttpFailure as failure:
        return HttpAnswer(
            0,
            elapsed_ms=round((clock.monotonic() - started) * 1000),
            blocked=failure.phase == "refused",
            oversized=failure.phase == "too_big",
        )
    return HttpAnswer(answered.status, dict(answered.headers), answered.body, answered.elapsed_ms)


async def mail(desk: Desk, request: EmailSend) -> EmailAnswer:
    """A mail through the workspace's own mail channel, to each address."""
    async with desk.tx() as tx:
        channel = await _mail_channel(tx)
    if channel is None:
        return EmailAnswer("No e-mail channel is connected to this workspace.")
    adapter = channels.adapter(desk.tools, channel)
    letters = []
    for place, address in enumerate(request.addresses):
        try:
            to = Urn("mailto", mailaddr.parse(address))
        except mailaddr.BadEmail as error:
            return EmailAnswer(str(error))
        letters.append(Outbound(id=place, uuid="", to=to, text=request.body, mail=Mail(subject=request.subject)))
    try:
        sent = await adapter.send(Wire(await desk.tools.http(), desk.tools.egress, Carrier(desk.database)), letters)
    finally:
        await adapter.close()
    return EmailAnswer(next((one.error.detail for one in sent if one.error), ""))


async def model(desk: Desk, request: LlmCall) -> LlmAnswer:
    """What the operator's model says, within the workspace's limits."""
    try:
        said = await asking.ask(desk, request.instructions, request.input, request.max_tokens)
    except (ModelFailed, Conflict) as error:
        return LlmAnswer(error=error.message)
    return LlmAnswer(said.text, said.tokens_in, said.tokens_out, said.elapsed_ms)


async def _mail_channel(tx: Tx) -> channels.Channel | None:
    own = [channel for channel in await channels.all_of(tx, "email") if channel.active]
    return next((channel for channel in own if channel.is_default), own[0] if own else None)
