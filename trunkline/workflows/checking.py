"""Checking: whether a canvas can be put to work, before anything relies on it."""

import msgspec

from trunkline.core import problems
from trunkline.core.db import Tx
from trunkline.core.errors import Invalid, NotFound
from trunkline.workflows import definition
from trunkline.workflows.definition import Definition, Node, Problems
from trunkline.workflows.steps import ACTIONS, CONDITIONS, STEPS
from trunkline.workflows.triggers import TRIGGERS


async def check(tx: Tx, drawn: Definition) -> None:
    """Raise `Invalid` with everything that is wrong: the graph first, then each node's config."""
    if found := definition.check(drawn):
        raise Invalid(found)
    told: Problems = {}
    for node in drawn.nodes.values():
        told |= {f"nodes.{node.id}.{field}": sentences for field, sentences in (await _node(tx, node)).items()}
    if told:
        raise Invalid(told)


async def _node(tx: Tx, node: Node) -> Problems:
    known = {"trigger": TRIGGERS, "action": ACTIONS, "condition": CONDITIONS}[node.type]
    if node.subtype not in known:
        return {"subtype": [f"{node.subtype or 'Nothing'} is not one of: {', '.join(sorted(known))}."]}
    kind = TRIGGERS[node.subtype] if node.type == "trigger" else STEPS[node.subtype]
    wrong = problems.find(kind.config, node.config, strict=False)
    if not wrong:
        try:
            config = msgspec.convert(node.config, kind.config, strict=False)
            wrong = await kind.check(tx, config) if kind.check else {}
        except msgspec.ValidationError as error:
            wrong = {"": [f"{error}."]}
        except Invalid as error:
            wrong = error.fields or {"": [error.message]}
        except NotFound as error:
            wrong = {"": [error.message]}
    return {f"config.{field}".rstrip("."): told for field, told in wrong.items()}
