"""Ask a language model; its answer becomes a local variable."""

from collections.abc import Generator, Iterable
from typing import Annotated, Any

from msgspec import Meta

from trunkline.flows import flow_types
from trunkline.flows.actions.base import Action
from trunkline.flows.actions.set_run_local import LOCAL_PATTERN
from trunkline.flows.events import LlmCalled, Tokens
from trunkline.flows.marks import template
from trunkline.flows.references import LlmReference
from trunkline.flows.requests import Answer, LlmCall, Request
from trunkline.flows.step import Step


class CallLlm(Action, frozen=True, kw_only=True):
    type = "call_llm"
    allowed_in = flow_types.ONLINE

    llm: LlmReference
    instructions: Annotated[str, template()]
    input: Annotated[str, template()] = ""
    output_local: Annotated[str, Meta(pattern=LOCAL_PATTERN)]

    def locals(self) -> Iterable[str]:
        return (self.output_local,)

    def run(self, step: Step) -> Generator[Request, Answer, Any]:
        instructions, text = step.evaluate(self.instructions).text, step.evaluate(self.input).text
        llm = step.assets.llms.get(self.llm.uuid)
        if llm is None:
            step.missing("llm", self.llm.uuid, self.llm.name)
            step.set_local(self.output_local, FAILED)
            return
        answer = yield LlmCall(llm.uuid, instructions, text, MOST_TOKENS)
        if answer.error:
            step.error(f"The language model did not answer: {answer.error}")
            step.set_local(self.output_local, FAILED)
            return
        step.log(
            LlmCalled(
                llm=llm.ref,
                instructions=instructions,
                input=text,
                output=answer.output,
                tokens=Tokens(answer.input_tokens, answer.output_tokens),
                elapsed_ms=answer.elapsed_ms,
            )
        )
        step.set_local(self.output_local, answer.output)


MOST_TOKENS = 2500
FAILED = "<ERROR>"
