"""Call a web address with what is known, and keep what it answers for the steps that follow."""

from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, uuid5

import msgspec
from msgspec import Meta, Struct

from trunkline.core.db import Tx
from trunkline.core.egress import BadUrl
from trunkline.core.http import Answer, HttpFailure
from trunkline.core.jobs import Desk
from trunkline.workflows import context
from trunkline.workflows.definition import Problems
from trunkline.workflows.steps.base import Outcome, Scene, Step, StepFailed, TryAgain

SECONDS = 15.0
BUSY = frozenset({408, 409, 425, 429})
"""Answers that ask for another try; so does every 5xx."""

Header = Annotated[str, Meta(max_length=2000, pattern=r"^[^\r\n]*$")]


class Config(Struct, frozen=True):
    """Without a `body` of its own, the call carries contact, trigger and workflow as JSON."""

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "get", "post", "put", "patch", "delete"] = "POST"
    headers: dict[str, Header] = {}
    body: dict[str, Any] | None = None


async def check(tx: Tx, config: Config) -> Problems:
    """An address with slots is judged when it is called, as every address is."""
    if "{{" in config.url:
        return {}
    try:
        tx.database.tools.egress.check_url(config.url)
    except BadUrl as error:
        return {"url": [str(error)]}
    return {}


async def ask(desk: Desk, scene: Scene, config: Config) -> Answer:
    """`Idempotency-Key` is the same on every try, so that the other side can tell a repeat."""
    http, method = await desk.tools.http(), config.method.upper()
    headers = {name: scene.text(value, "header") for name, value in config.headers.items()}
    headers["Idempotency-Key"] = str(uuid5(NAMESPACE_URL, scene.key))
    body = None if method == "GET" else await _body(desk, scene, config)
    url = scene.text(config.url)
    try:
        desk.tools.egress.check_url(url)
        answer = await http.request(method, url, headers=headers, json=body, timeout=SECONDS)
    except BadUrl as error:
        raise StepFailed(str(error)) from None
    except HttpFailure as failure:
        raise (StepFailed if failure.phase == "refused" else TryAgain)(failure.message) from None
    if answer.status >= 500 or answer.status in BUSY:
        raise TryAgain(f"The call was answered with {answer.status}.")
    if not answer.ok:
        raise StepFailed(f"The call was answered with {answer.status}.")
    return answer


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    answer: Answer = scene.answer
    keep = {"status": answer.status, "body": context.kept(_json(answer))}
    return Outcome(note=f"Answered with {answer.status} after {answer.elapsed_ms} ms.", keep={"webhook": keep})


async def _body(desk: Desk, scene: Scene, config: Config) -> dict[str, Any]:
    if config.body is not None:
        return _filled(scene, config.body)
    execution = scene.execution
    known: dict[str, Any] = {"execution": str(execution.uuid), "contact": None}
    known["workflow"] = {"id": execution.workflow_id, "name": execution.workflow}
    if execution.contact_id is not None:
        async with desk.tx() as tx:
            known["contact"] = await context.contact(tx, execution.contact_id)
    return known | {name: execution.context[name] for name in ("trigger", "payload") if name in execution.context}


def _filled(scene: Scene, value: Any) -> Any:
    match value:
        case str():
            return scene.text(value)
        case dict():
            return {name: _filled(scene, one) for name, one in value.items()}
        case list():
            return [_filled(scene, one) for one in value]
    return value


def _json(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body) if answer.body else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


STEP = Step(config=Config, run=run, ask=ask, check=check)
