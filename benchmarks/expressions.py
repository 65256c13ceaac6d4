"""Templates of flows, evaluated again and again in one thread with the context built: what a sprint spends on texts."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from benchmarks.measuring import Figure, Scale, interleaved, middle
from benchmarks.stage import Stage
from trunkline import expressions
from trunkline.expressions import templates
from trunkline.expressions.environment import Environment
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import Object


class Size(Struct, frozen=True):
    templates: int
    rounds: int


SIZES: dict[Scale, Size] = {"full": Size(300_000, 5), "quick": Size(100_000, 3), "tiny": Size(100, 1)}
AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
GREETING = "Hi @contact.name"
LONGER = "Dear @contact.first_name, your @(lower(results.drink)) costs @(results.price * 1.2). Anything else?"
OPERAND = "@input.text"


async def run(where: Stage, size: Size) -> list[Figure]:
    scope = Scope(Environment(), now=lambda: AT, random=lambda: 0.5)

    async def rate(work: Callable[[], Any], share: int = 1) -> float:
        began = time.perf_counter()
        for _ in range(size.templates // share):
            work()
        return size.templates // share / (time.perf_counter() - began)

    rounds = await interleaved(
        size.rounds,
        greeting=lambda: rate(lambda: expressions.template(GREETING, CONTEXT, scope)),
        longer=lambda: rate(lambda: expressions.template(LONGER, CONTEXT, scope), share=3),
        operand=lambda: rate(lambda: expressions.value(OPERAND, CONTEXT, scope)),
        compiling=lambda: rate(lambda: templates.compile(LONGER, expressions.TOP_LEVELS), share=20),
    )
    return [
        middle(f"`{GREETING}`, compiled before", rounds["greeting"], "/s", least=200_000),
        middle("a text with three insertions, two computed", rounds["longer"], "/s"),
        middle(f"`{OPERAND}` with its type", rounds["operand"], "/s"),
        middle("compiling that text of three insertions", rounds["compiling"], "/s"),
    ]


CONTEXT = Object(
    {
        "contact": Object({"name": "Ann Otieno", "first_name": "Ann"}, default="Ann Otieno"),
        "results": Object(
            {"drink": Object({"value": "TEA", "category": "Tea"}, default="TEA"), "price": Object({}, default="2.50")}
        ),
        "input": Object({"text": "yes please"}, default="yes please"),
    }
)
