"""What a command answers: a document for programs and text for people; and rows as a table."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct


class Answer(Struct, frozen=True):
    """`document` is printed with --json, `text` without. `code` is the exit status."""

    document: Any
    text: str = ""
    code: int = 0


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> str:
    """Columns as wide as their widest cell; `empty` is said when there are no rows."""
    cells = [[shown(cell) for cell in row] for row in rows]
    if not cells:
        return empty
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [headings, *cells]
    )
    return "\n".join(line.rstrip() for line in lines)


def pairs(values: dict[str, Any]) -> str:
    """Names and values, one a line."""
    width = max(map(len, values), default=0)
    return "\n".join(f"{name.ljust(width)}  {shown(value)}".rstrip() for name, value in values.items())


def shown(value: object) -> str:
    """A value as one line that cannot play tricks on a terminal."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(shown, value))
        case _:
            return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in str(value))


def told_of_demo(document: dict[str, Any]) -> str:
    """What people are told of the demo world; the secrets by the first run only."""
    if "password" not in document:
        return f"The demo world is there since an earlier start; sign in as {document['email']}."
    lines = ["The demo world is filled in. This is shown only once:", "", f"  Sign in   {document['email']}"]
    lines += [f"  Password  {document['password']}", f"  Account   {document['account']['uuid']}", ""]
    lines += ["  Keys of the APIs:", *(f"    {dialect:<10}{key}" for dialect, key in document["keys"].items())]
    return "\n".join(lines)
