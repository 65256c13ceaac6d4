"""Set, count up or clear a local variable of the run."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta

from trunkline.flows.actions.base import Action
from trunkline.flows.marks import template
from trunkline.flows.step import Step

LOCAL_PATTERN = r"^[a-z_][a-z0-9_]{0,63}\Z"


class SetRunLocal(Action, frozen=True, kw_only=True):
    type = "set_run_local"

    local: Annotated[str, Meta(pattern=LOCAL_PATTERN)]
    value: Annotated[str, template()] = ""
    operation: Literal["set", "increment", "clear"]

    def locals(self) -> Iterable[str]:
        return (self.local,)

    def run(self, step: Step) -> None:
        if self.operation == "clear":
            step.set_local(self.local, None)
            return
        value = step.evaluate(self.value)
        if not value.ok:
            return
        if self.operation == "set":
            step.set_local(self.local, value.text)
            return
        before, by = _whole(step.run.locals.get(self.local, "0")), _whole(value.text)
        if before is None or by is None:
            step.error(f"The local {self.local} counts by whole numbers only.")
        else:
            step.set_local(self.local, str(before + by))


def _whole(text: str) -> int | None:
    return int(text) if WHOLE.fullmatch(text.strip()) else None


WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
