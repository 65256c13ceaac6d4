"""Call a URL; the answer becomes `@webhook`."""

from collections.abc import Generator, Iterable
from typing import Annotated, Any

from msgspec import Meta

from trunkline.flows import flow_types
from trunkline.flows.actions import calling
from trunkline.flows.actions.base import HTTP_CATEGORIES, Action, ResultMade, saved
from trunkline.flows.actions.contents import ResultName
from trunkline.flows.marks import template
from trunkline.flows.requests import Answer, Request
from trunkline.flows.step import Step

Headers = dict[Annotated[str, Meta(max_length=100)], Annotated[str, template(5000)]]


class CallWebhook(Action, frozen=True, kw_only=True):
    type = "call_webhook"
    allowed_in = flow_types.ONLINE

    method: Annotated[str, Meta(pattern=r"^[A-Za-z]{1,20}\Z")]
    url: Annotated[str, template(8192)]
    headers: Annotated[Headers, Meta(max_length=10)] = {}
    body: Annotated[str, template(20_000)] = ""
    result_name: ResultName = ""

    def results(self) -> Iterable[ResultMade]:
        return saved(self.result_name, *HTTP_CATEGORIES)

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        step.hear(None)
        url = step.evaluate(self.url, limit=None).text.strip()
        headers = {name: step.evaluate(text).text for name, text in self.headers.items()}
        body = step.evaluate(self.body, limit=None).text
        called = yield from calling.call(step, self.method.upper(), url, headers, body)
        if called:
            step.hear(called.webhook)
            if self.result_name:
                calling.save(step, self.result_name, called)
