"""Functions that read URNs, attachments and JSON, and write JSON."""

from decimal import Decimal
from typing import Any

import msgspec

from trunkline.core import urns
from trunkline.expressions import numbers, rendering
from trunkline.expressions.convert import to_text
from trunkline.expressions.functions import function
from trunkline.expressions.scope import Scope
from trunkline.expressions.values import ErrorValue, ExpressionError, Object, Value, is_array, item


@function("urn_parts", 1)
def urn_parts(scope: Scope, text: Value) -> Object:
    scheme, path, display = split_urn(to_text(scope, text))
    return Object({"scheme": scheme, "path": path, "display": display})


@function("attachment_parts", 1)
def attachment_parts(scope: Scope, text: Value) -> Object:
    """Of an attachment as flows write it, `image/jpeg:https://…`; without a type it is all address."""
    kind, colon, url = to_text(scope, text).partition(":")
    return Object({"content_type": kind, "url": url} if colon else {"content_type": "", "url": kind})


@function("parse_json", 1)
def parse_json(scope: Scope, text: Value) -> Value:
    return read_json(to_text(scope, text))


@function("json", 1)
def json(scope: Scope, value: Value) -> str:
    _weigh(scope, value, 0)
    return rendering.to_json_text(scope, value)


def split_urn(text: str) -> tuple[str, str, str]:
    """Scheme, path and display, "" where there is none; `ExpressionError` if it is no URN."""
    try:
        scheme, path, display = urns.parts(text)
    except urns.BadUrn as error:
        raise ExpressionError(str(error)) from None
    if scheme not in urns.SCHEMES or not path:
        raise ExpressionError(f"'{text[:100]}' is not a URN")
    return scheme, path, display or ""


def read_json(text: str) -> Value:
    """The value of a JSON text. A number beyond our limits is an error value, in its place."""
    try:
        return _value(DECODER.decode(text))
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise ExpressionError(f"not JSON: {error}") from None
    except RecursionError:
        raise ExpressionError("the JSON is nested too deep") from None


def _value(document: Any) -> Value:
    match document:
        case dict():
            return Object({key: _value(value) for key, value in document.items()})
        case list():
            return [_value(value) for value in document]
        case bool() | str() | None:
            return document
        case int() | Decimal():
            try:
                return numbers.checked(document)
            except numbers.OutOfRange as error:
                return ErrorValue(str(error))
    return None


def _weigh(scope: Scope, value: Value, depth: int) -> None:
    """Count what will be written before it is: an array may hold one long text a thousand times."""
    value = item(value)
    scope.toil(len(value) if isinstance(value, str) else 1)
    if depth >= rendering.DEEPEST:
        raise ExpressionError("the value is nested too deep")
    if is_array(value):
        for each in value:
            _weigh(scope, each, depth + 1)
    elif isinstance(value, Object):
        for _, each in value.items():
            _weigh(scope, each, depth + 1)


DECODER = msgspec.json.Decoder(float_hook=Decimal)
