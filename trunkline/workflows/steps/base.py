"""What a step is: a typed config, what it does, and what comes of it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from msgspec import Struct

from trunkline.core import text
from trunkline.core.db import Tx
from trunkline.core.errors import TrunklineError
from trunkline.core.jobs import Desk
from trunkline.core.text import Escape
from trunkline.workflows.definition import Problems
from trunkline.workflows.executions import Execution


class StepFailed(TrunklineError):
    """It cannot be done, now or later."""

    code = "step_failed"


class TryAgain(TrunklineError):
    """It did not work this time, and may work later."""

    code = "step_failed"


class Scene(Struct, kw_only=True):
    """Where a step finds itself. `known` are the variables of texts, `answer` is what the outside said."""

    execution: Execution
    node: str
    known: dict[str, Any]
    answer: Any = None

    @property
    def contact_id(self) -> int:
        if self.execution.contact_id is None:
            raise StepFailed("This step needs a contact, and the workflow was set going without one.")
        return self.execution.contact_id

    @property
    def key(self) -> str:
        """The same whenever this very step is repeated after a crash."""
        return f"workflow:{self.execution.uuid}:{self.node}"

    def text(self, source: str, escape: Escape = "none") -> str:
        """A text of the config with the variables in it; what is missing leaves nothing."""
        return text.compile(source).render(self.known, escape=escape, missing="empty")


class Outcome(Struct, frozen=True, kw_only=True):
    """`branch` is a condition's answer. `wait` is how long the steps that follow are put off. `keep` is for later
    steps to speak of; `note` is for the log. A step that is `skipped` did nothing, and the next one has its turn.
    """

    skipped: bool = False
    branch: bool | None = None
    wait: timedelta | None = None
    keep: dict[str, Any] = {}
    note: str | None = None


DONE = Outcome()


class Step(Struct, frozen=True, kw_only=True):
    """`run` works in the step's transaction. `ask` talks to the outside before it, without any transaction; it may be
    repeated after a crash. `check` finds, when a workflow is activated, what its config names and is not there.
    """

    config: type[Struct]
    run: Callable[[Tx, Scene, Any], Awaitable[Outcome]]
    ask: Callable[[Desk, Scene, Any], Awaitable[Any]] | None = None
    check: Callable[[Tx, Any], Awaitable[Problems]] | None = None
