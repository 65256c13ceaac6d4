"""What every action is: a frozen Struct of its fields, where it is allowed, and what it does when it runs."""

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

from msgspec import Struct

from trunkline.flows import flow_types
from trunkline.flows.marks import Uuid

HTTP_CATEGORIES = ("Success", "Failure")


class ResultMade(NamedTuple):
    """A result that an action may save: its name and the categories that are known beforehand."""

    name: str
    categories: tuple[str, ...]


class Action(Struct, frozen=True, kw_only=True):
    """One action of a node. `run` gets the engine's step: what an action may see and change.

    `run` returns None, or is a generator that yields requests to the outside world and is sent the answers.
    """

    type: ClassVar[str]
    allowed_in: ClassVar[frozenset[str]] = flow_types.ALL

    uuid: Uuid

    def run(self, step: Any) -> Any:
        raise NotImplementedError(f"{self.type} does not run")

    def results(self) -> Iterable[ResultMade]:
        return ()

    def locals(self) -> Iterable[str]:
        return ()


def saved(name: str, *categories: str) -> tuple[ResultMade, ...]:
    """The result of an action whose result name may be left empty."""
    return (ResultMade(name, categories),) if name else ()
