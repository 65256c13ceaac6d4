"""From bytes to shapes: bodies and query strings, judged before any endpoint sees them."""

import re
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from trunkline.core import problems
from trunkline.core.errors import Invalid, Malformed
from trunkline.dialects.refusals import UnsupportedMedia

MOST_DEPTH = 32
MOST_KEYS = 1000
MOST_PARAMETERS = 200


class JsonBody:
    """The JSON body of one operation, as `kind`."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.is_object = (isinstance(kind, type) and issubclass(kind, Struct)) or (get_origin(kind) or kind) is dict
        self._decode = msgspec.json.Decoder(kind).decode

    def decode(self, raw: bytes) -> Any:
        """An empty body counts as `{}`; the last of duplicate keys wins."""
        raw = raw or b"{}"
        if is_harmless(raw):
            try:
                return self._decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass  # told in full below
        return self._decode_slowly(raw)

    def _decode_slowly(self, raw: bytes) -> Any:
        value = parse(raw)
        vet(value)
        if self.is_object and not isinstance(value, dict):
            raise Malformed("The request body must be a JSON object.")
        return problems.convert(self.kind, value, strict=True)


class QueryShape:
    """The query string of one operation, as a Struct. Unknown parameters are ignored."""

    def __init__(self, kind: type[Struct]) -> None:
        self.kind = kind
        fields = msgspec.structs.fields(kind)
        self._lists = {field.encode_name for field in fields if _is_list(field.type)}
        self._scalars = {field.encode_name for field in fields} - self._lists

    def decode(self, query: dict[str, list[str]]) -> Any:
        values: dict[str, Any] = {}
        twisted: dict[str, list[str]] = {}
        for written, given in query.items():
            name, bracket, _ = written.partition("[")
            if name in self._lists and bracket in ("", "["):
                values.setdefault(name, []).extend(given)
            elif name in self._scalars and (bracket or len(given) > 1):
                # `id[]=1` and `id=1&id=2` must never fall through as "no filter".
                twisted[name] = [f"The {name.replace('_', ' ')} field must be given once, as a single value."]
            elif name in self._scalars:
                values[name] = given[0]
        if twisted:
            raise Invalid(twisted)
        return problems.convert(self.kind, values, strict=False)

    def decode_last(self, query: dict[str, list[str]]) -> Any:
        """Of a scalar that is given several times the last counts."""
        lists = {name: given for name, given in query.items() if name in self._lists}
        return self.decode({**lists, **{name: query[name][-1:] for name in self._scalars if name in query}})


def parse_query(raw: bytes, what: str = "The query string") -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        ):
            query.setdefault(name, []).append(value)
    except ValueError:
        raise Malformed(f"{what} cannot be read.") from None
    if b"%00" in raw or b"\0" in raw:
        raise Malformed(f"{what} contains a null character.")
    return query


def is_form(headers: dict[bytes, bytes]) -> bool:
    media_type = headers.get(b"content-type", b"").partition(b";")[0]
    return media_type.strip().lower() == b"application/x-www-form-urlencoded"


def parse_form(raw: bytes) -> dict[str, Any]:
    """The fields of a form as an object: `customer[name]=Jane` is `{"customer": {"name": "Jane"}}`; the last wins."""
    fields: dict[str, Any] = {}
    for written, given in parse_query(raw, "The form").items():
        name, *below = NESTED.findall(written) if NESTED_FORM.fullmatch(written) else [written]
        if len(below) >= MOST_DEPTH:
            raise Malformed(TOO_DEEP)
        at = fields
        for deeper in below:
            inner = at.setdefault(name, {})
            if not isinstance(inner, dict):
                raise Malformed(f"The field {written[:100]} is given both as a value and as an object.")
            at, name = inner, deeper
        if isinstance(at.get(name), dict):
            raise Malformed(f"The field {written[:100]} is given both as a value and as an object.")
        at[name] = given[-1]
    return fields


def require_json(headers: dict[bytes, bytes]) -> None:
    """Refuse a body that does not call itself JSON in UTF-8: nothing else is read as JSON by guess."""
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise UnsupportedMedia("Content-Encoding is not supported; send the body as it is.")
    media_type, _, parameters = headers.get(b"content-type", b"").lower().partition(b";")
    media_type = media_type.strip()
    if media_type != b"application/json" and not JSON_SUFFIX.fullmatch(media_type):
        raise UnsupportedMedia("The request body must be application/json.")
    if parameters and (charset := CHARSET.search(parameters)) and charset[1] not in (b"utf-8", b"utf8"):
        raise UnsupportedMedia("JSON must be encoded in UTF-8.")


def is_harmless(raw: bytes) -> bool:
    """Whether counting alone shows that depth, keys and characters are within bounds."""
    return raw.count(b"{") + raw.count(b"[") <= MOST_DEPTH and raw.count(b":") <= MOST_KEYS and b"\\u0000" not in raw


def parse(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise Malformed(TOO_DEEP) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Malformed("The request body is not valid JSON.") from None


def vet(value: object, *, nulls: bool = False) -> None:
    """Refuse what must not go further: too deep, too many keys in one object, null characters unless `nulls`."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        below: list[object] = []
        for item in level:
            if type(item) is dict:
                if len(item) > MOST_KEYS:
                    raise Malformed(f"The request body has an object with more than {MOST_KEYS} keys.")
                below += item.keys()
                below += item.values()
            elif type(item) is list:
                below += item
            elif not nulls and type(item) is str and "\0" in item:
                raise Malformed("The request body contains a null character.")
        if not below:
            return
        level = below
    raise Malformed(TOO_DEEP)


def _is_list(kind: Any) -> bool:
    kind = problems.bare(kind)
    return (get_origin(kind) or kind) in (list, tuple, set, frozenset) and bool(get_args(kind) or kind is list)


TOO_DEEP = f"The request body is nested deeper than {MOST_DEPTH} levels."
NESTED_FORM = re.compile(r"[^\[\]]+(?:\[[^\[\]]+\])*")
NESTED = re.compile(r"[^\[\]]+")
JSON_SUFFIX = re.compile(rb"application/[\w.+-]+\+json")
CHARSET = re.compile(rb"charset\s*=\s*\"?([\w-]+)")
