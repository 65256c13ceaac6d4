"""The old dialect's operators, which knew dates and times where the new ones know numbers only."""

from trunkline.flows.migrations.legacy.dialect.printing import LEVELS, New, call, infix, negated


def level_of(operator: str) -> int:
    """How tightly an operator binds; negation binds tighter than all of them, in both dialects."""
    return LEVELS["!=" if operator == "<>" else operator]


def combined(left: New, operator: str, right: New) -> New:
    match operator:
        case "+" | "-":
            return _sum(left, operator, right)
        case "<>":
            return infix(left, "!=", right, "boolean")
        case "<" | "<=" | ">" | ">=" if "date" in (left.known, right.known):
            return infix(call("epoch", left), operator, call("epoch", right), "boolean")
        case "=" | "<" | "<=" | ">" | ">=":
            return infix(left, operator, right, "boolean")
        case "&":
            return infix(left, operator, right, "text")
        case _:
            return infix(left, operator, right, "number")


def _sum(left: New, operator: str, right: New) -> New:
    """A sum of numbers, or days or a time added to a date; what is not known to be numbers may be either."""
    if left.known == right.known == "number":
        return infix(left, operator, right, "number")
    if left.known in ("number", "time") and right.known == "date" and operator == "+":
        left, right = right, left
    if right.known == "time":
        seconds = f"epoch(replace_time(today(), {right.source})) - epoch(today())"
        amount = New(seconds, level_of("-"), "number")
        return call("datetime_add", left, amount if operator == "+" else negated(amount), '"s"', known="date")
    known = "date" if "date" in (left.known, right.known) else "unknown"
    return call("legacy_add", left, right if operator == "+" else negated(right), known=known)
