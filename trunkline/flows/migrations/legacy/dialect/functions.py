"""What the functions of the old dialect are called now, and what became of their arguments."""

from collections.abc import Callable

from trunkline.flows.migrations.legacy.dialect import operators
from trunkline.flows.migrations.legacy.dialect.printing import (
    ATOM,
    Known,
    New,
    boolean,
    call,
    infix,
    negated,
    number,
    text,
)

Rule = Callable[[list[New]], New]


def converted(name: str, arguments: list[New]) -> New:
    """A call of the old function; one that it did not have, or with too few arguments, keeps its own."""
    rule = RULES.get(name)
    try:
        return rule(arguments) if rule else call(name, *arguments)
    except IndexError:
        return call(name, *arguments)


def renamed(name: str, known: Known = "unknown") -> Rule:
    return lambda arguments: call(name, *arguments, known=known)


def joined(operator: str, known: Known) -> Rule:
    """An operator between all arguments."""

    def rule(arguments: list[New]) -> New:
        whole = arguments[0]
        for argument in arguments[1:]:
            whole = infix(whole, operator, argument, known)
        return whole

    return rule


def shaped(pattern: str, known: Known) -> Rule:
    """Arguments in the places of {0}, {1} …, where commas and brackets keep them apart."""
    return lambda arguments: New(pattern.format(*(argument.source for argument in arguments)), known=known)


def constant(value: bool) -> Rule:
    return lambda arguments: boolean(value)


def toward_zero(arguments: list[New]) -> New:
    """The new functions round down and up, the old ones toward zero and away from it."""
    return _by_sign(arguments, "round_down", "round_up")


def away_from_zero(arguments: list[New]) -> New:
    return _by_sign(arguments, "round_up", "round_down")


def _by_sign(arguments: list[New], positive: str, negative: str) -> New:
    places = arguments[1:2] if len(arguments) > 1 and arguments[1].whole != 0 else []
    above, below = call(positive, arguments[0], *places), call(negative, arguments[0], *places)
    if arguments[0].source[:1].isdigit() and arguments[0].level == ATOM:
        return New(above.source, known="number")
    return call("if", infix(arguments[0], "<", number(0), "boolean"), below, above, known="number")


def fixed(arguments: list[New]) -> New:
    """FIXED(number, decimals, no_commas)."""
    places = arguments[1] if len(arguments) > 1 else number(2)
    if len(arguments) < 3:
        return call("format_number", arguments[0], places, known="text")
    return call("format_number", arguments[0], places, _opposite(arguments[2]), known="text")


def _opposite(condition: New) -> New:
    if condition.known == "boolean" and condition.source in ("true", "false"):
        return boolean(condition.source == "false")
    return call("if", condition, "false", "true", known="boolean")


def right(arguments: list[New]) -> New:
    return call("text_slice", arguments[0], negated(arguments[1]), known="text")


def difference(arguments: list[New]) -> New:
    """DATEDIF(start, end, unit); units are capitals now."""
    start, end, unit = arguments[0], arguments[1], arguments[2]
    unit = New(unit.source.upper()) if unit.known == "text" and unit.source[:1] == '"' else call("upper", unit)
    return call("datetime_diff", start, end, unit, known="number")


def field(arguments: list[New]) -> New:
    delimiter = arguments[2] if len(arguments) > 2 else text(" ")
    return call("field", arguments[0], from_zero(arguments[1]), delimiter, known="text")


def word(arguments: list[New]) -> New:
    return call("word", arguments[0], from_zero(arguments[1]), *_delimiters(arguments[2:3]), known="text")


def word_count(arguments: list[New]) -> New:
    return call("word_count", arguments[0], *_delimiters(arguments[1:2]), known="number")


def word_slice(arguments: list[New]) -> New:
    """WORD_SLICE(text, start, stop, by_spaces); a stop of 0 is that of the text."""
    delimiters = _delimiters(arguments[3:4])
    stop = [from_zero(argument) for argument in arguments[2:3] if argument.whole != 0]
    if delimiters and not stop:
        stop = [number(-1)]
    return call("word_slice", arguments[0], from_zero(arguments[1]), *stop, *delimiters, known="text")


def from_zero(index: New) -> New:
    """Words were counted from one, from the end as today."""
    if index.whole is None:
        return infix(index, "-", number(1), "number")
    return number(index.whole - 1) if index.whole > 0 else index


def _delimiters(by_spaces: list[New]) -> list[New]:
    """Words end at blanks and punctuation, or at blanks alone."""
    if not by_spaces or by_spaces[0].source in ("false", "0"):
        return []
    spaces = text(" ")
    return [spaces] if by_spaces[0].source in ("true", "1") else [call("if", by_spaces[0], spaces, "null")]


def power(arguments: list[New]) -> New:
    return operators.combined(arguments[0], "^", arguments[1])


def exponential(arguments: list[New]) -> New:
    return infix(number("2.718281828459045"), "^", arguments[0], "number")


def weekday(arguments: list[New]) -> New:
    """Sunday was 1."""
    return infix(call("weekday", arguments[0]), "+", number(1), "number")


def choice(arguments: list[New]) -> New:
    """IF(condition, yes = 0, no = FALSE)."""
    yes, no = [*arguments[1:3], *(number(0), boolean(False))[len(arguments[1:3]) :]]
    return call("if", arguments[0], yes, no, known=yes.known if yes.known == no.known else "unknown")


RULES: dict[str, Rule] = {
    # text
    "char": renamed("char", "text"),
    "clean": renamed("clean", "text"),
    "code": renamed("code", "number"),
    "concatenate": joined("&", "text"),
    "fixed": fixed,
    "left": shaped("text_slice({0}, 0, {1})", "text"),
    "len": renamed("text_length", "number"),
    "lower": renamed("lower", "text"),
    "proper": renamed("title", "text"),
    "rept": renamed("repeat", "text"),
    "right": right,
    "substitute": renamed("replace", "text"),
    "trim": renamed("trim", "text"),
    "unichar": renamed("char", "text"),
    "unicode": renamed("code", "number"),
    "upper": renamed("upper", "text"),
    # dates
    "date": renamed("date_from_parts", "date"),
    "datedif": difference,
    "datevalue": renamed("date", "date"),
    "day": shaped('format_date({0}, "D")', "number"),
    "days": shaped('datetime_diff({1}, {0}, "D")', "number"),
    "edate": shaped('datetime_add({0}, {1}, "M")', "date"),
    "epoch": renamed("epoch", "number"),
    "format_date": renamed("format_datetime", "text"),
    "hour": shaped('format_datetime({0}, "t")', "number"),
    "minute": shaped('format_datetime({0}, "m")', "number"),
    "month": shaped('format_date({0}, "M")', "number"),
    "now": renamed("now", "date"),
    "second": shaped('format_datetime({0}, "s")', "number"),
    "time": renamed("time_from_parts", "time"),
    "timevalue": renamed("time", "time"),
    "today": renamed("today", "date"),
    "weekday": weekday,
    "year": shaped('format_date({0}, "YYYY")', "number"),
    # numbers
    "abs": renamed("abs", "number"),
    "average": renamed("mean", "number"),
    "exp": exponential,
    "int": shaped("round_down({0})", "number"),
    "max": renamed("max", "number"),
    "min": renamed("min", "number"),
    "mod": renamed("mod", "number"),
    "power": power,
    "rand": renamed("rand", "number"),
    "randbetween": renamed("rand_between", "number"),
    "round": renamed("round", "number"),
    "rounddown": toward_zero,
    "roundup": away_from_zero,
    "sum": joined("+", "number"),
    "trunc": toward_zero,
    # logic
    "and": renamed("and", "boolean"),
    "false": constant(False),
    "if": choice,
    "or": renamed("or", "boolean"),
    "true": constant(True),
    # what messages need
    "field": field,
    "first_word": shaped("word({0}, 0)", "text"),
    "format_location": renamed("format_location", "text"),
    "percent": renamed("percent", "text"),
    "read_digits": renamed("read_chars", "text"),
    "regex_group": renamed("regex_match", "text"),
    "remove_first_word": renamed("remove_first_word", "text"),
    "url_encode": renamed("url_encode", "text"),
    "word": word,
    "word_count": word_count,
    "word_slice": word_slice,
}
