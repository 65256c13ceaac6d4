"""What every router is: categories that lead to exits, a wait before it or none, and a way to pick a category."""

from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from trunkline.flows.marks import Uuid, localized
from trunkline.flows.routers.waits import DialWait, MsgWait
from trunkline.flows.step import Step


class Category(Struct, frozen=True, kw_only=True):
    uuid: Uuid
    name: Annotated[str, localized(64, shortest=1)]
    exit_uuid: Uuid


Categories = Annotated[tuple[Category, ...], Meta(min_length=1, max_length=100)]


class Router(Struct, frozen=True, kw_only=True):
    """`route` returns the uuid of the exit to leave by; None when the run failed."""

    type: ClassVar[str]

    wait: MsgWait | DialWait | None = None
    result_name: Annotated[str, Meta(max_length=64)] = ""
    categories: Categories

    def route(self, step: Step) -> str | None:
        raise NotImplementedError(f"{self.type} does not route")

    def time_out(self, step: Step) -> str | None:
        """The exit for a wait that took too long."""
        timeout = self.wait.timeout if isinstance(self.wait, MsgWait) else None
        category = self.category(timeout.category_uuid) if timeout else None
        if category is None:
            step.fail("The wait has no timeout any more.")
            return None
        return self.leave(step, category, "", operand="")

    def leave(self, step: Step, category: Category, value: str, *, operand: str, extra: Any = None) -> str:
        """Save the result, if it has a name, and go by the category's exit."""
        step.operand = operand
        if self.result_name:
            name = step.localized(category.uuid, "name", category.name)
            step.save(self.result_name, value, category.name, localized=name, input=operand, extra=extra)
        return category.exit_uuid

    def category(self, uuid: str) -> Category | None:
        return next((category for category in self.categories if category.uuid == uuid), None)
