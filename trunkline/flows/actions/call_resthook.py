"""Call every subscriber of a resthook; one of the answers becomes `@webhook`."""

from collections.abc import Generator, Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from trunkline.flows import flow_types
from trunkline.flows.actions import calling, resthook_payload
from trunkline.flows.actions.base import HTTP_CATEGORIES, Action, ResultMade, saved
from trunkline.flows.actions.calling import Called
from trunkline.flows.actions.contents import ResultName
from trunkline.flows.events import ResthookCalled
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step


class CallResthook(Action, frozen=True, kw_only=True):
    type = "call_resthook"
    allowed_in = flow_types.ONLINE

    resthook: Annotated[str, Meta(min_length=1, max_length=640)]
    result_name: ResultName = ""

    def results(self) -> Iterable[ResultMade]:
        return saved(self.result_name, *HTTP_CATEGORIES)

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        step.hear(None)
        resthook = step.assets.resthooks.get(self.resthook.lower())
        if resthook is None:
            step.missing("resthook", self.resthook)
            return
        payload = resthook_payload.write(step)
        step.log(ResthookCalled(resthook=resthook.slug, payload=payload))
        body = ENCODER.encode(payload).decode()
        calls: list[Called] = []
        for url in resthook.subscribers:
            called = yield from calling.call(step, "POST", url, HEADERS, body, resthook=resthook.slug)
            if called:
                calls.append(called)
        chosen = _telling(calls)
        if chosen:
            step.hear(chosen.webhook)
        if chosen and self.result_name:
            calling.save(step, self.result_name, chosen)
        elif self.result_name:
            step.save(self.result_name, "0", "Failure")


def _telling(calls: list[Called]) -> Called | None:
    """The last that failed, else the last that worked, else the last whose subscriber is gone."""
    for statuses in (("response_error", "connection_error"), ("success",), ("subscriber_gone",)):
        if found := next((called for called in reversed(calls) if called.status in statuses), None):
            return found
    return None


HEADERS = {"Content-Type": "application/json"}
ENCODER = msgspec.json.Encoder(decimal_format="number")
