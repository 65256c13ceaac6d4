"""One operation: what the decorator was told, and what the annotations of the endpoint say."""

import inspect
import re
import types
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Struct

from trunkline.core import opaque
from trunkline.core.crypto import Vault
from trunkline.core.db import Tx
from trunkline.core.errors import NotFound, TrunklineError
from trunkline.core.paging import Page
from trunkline.dialects.auth import Credential
from trunkline.dialects.calls import Call
from trunkline.dialects.decoding import JsonBody, QueryShape
from trunkline.dialects.pages import Cursor
from trunkline.dialects.uploads import Upload
from trunkline.dialects.walking import Walk

Endpoint = Callable[..., Awaitable[Any]]

MEBIBYTE = 1024 * 1024
BIGINT = 2**63


class Opaque(Struct, frozen=True):
    """Marks a number that the outside knows by an opaque id of this kind: `Annotated[int, Opaque("contact")]`."""

    kind: str


class Rules(Struct, frozen=True, kw_only=True):
    """What the decorator was told about an operation. `auth` replaces the dialect's ways to show a key; `form` admits
    the fields of a form (`customer[name]=…`) beside JSON.
    """

    scopes: tuple[str, ...] = ()
    level: str | None = None
    status: int = 200
    bucket: str | None = None
    idempotent: bool | None = None
    public: bool = False
    raises: tuple[type[TrunklineError], ...] = ()
    answers: Mapping[int, Any] = {}
    noun: str | None = None
    seconds: float = 5
    body_limit: int = MEBIBYTE
    upload_limit: int = 10 * MEBIBYTE
    tag: str | None = None
    fields: Mapping[str, Any] = {}
    """What a body may hold that the endpoint reads by itself; each field has a `schema` for documents."""
    auth: tuple[Credential, ...] = ()
    form: bool = False


class PathParameter(Struct, frozen=True):
    name: str
    kind: type
    noun: str
    opaque: str | None = None

    def read(self, text: str, vault: Vault) -> Any:
        """The value; a wrong form is the same as an unknown id."""
        if self.opaque is not None:
            if (id := opaque.read(vault, self.opaque, text)) is not None:
                return id
        elif self.kind is str:
            return text
        elif self.kind is int:
            if text.isascii() and text.isdigit() and text[0] != "0" and len(text) < 20 and int(text) < BIGINT:
                return int(text)
        elif UUID_FORM.fullmatch(text):
            return UUID(text)
        raise NotFound(self.noun, text)


class Operation:
    """A row of a dialect's table, with all that can be known before a request comes."""

    def __init__(self, method: str, paths: tuple[str, ...], function: Endpoint, rules: Rules) -> None:
        self.method = method
        self.paths = paths
        self.function = function
        self.rules = rules
        self.name = function.__name__
        self.doc = inspect.getdoc(function) or ""
        hints = get_type_hints(function, include_extras=True)
        self.returns = hints.pop("return", None)
        self.path_parameters: tuple[PathParameter, ...] = ()
        self.tx = self.call = self.page = self.cursor = ""  # the names under which the endpoint takes them
        self.body: JsonBody | None = None
        self.query: QueryShape | None = None
        self.loose: QueryShape | None = None
        self.file = ""
        self.file_is_optional = False
        self._learn(hints, inspect.signature(function).parameters)
        self.idempotent = self._is_idempotent()

    @property
    def path(self) -> str:
        return self.paths[0]

    @property
    def summary(self) -> str:
        return self.doc.partition("\n")[0].rstrip(".")

    @property
    def tag(self) -> str:
        return self.rules.tag or self.path.split("/")[1].replace("-", " ").capitalize()

    def _learn(self, hints: dict[str, Any], parameters: Mapping[str, inspect.Parameter]) -> None:
        in_path = PARAMETER.findall(self.path)
        self.path_parameters = tuple(self._path_parameter(name, hints) for name in in_path)
        loose: list[tuple[Any, ...]] = []
        for name, kind in hints.items():
            bare, is_optional = _without_none(kind)
            if name in in_path:
                continue
            if bare in TAKEN:
                setattr(self, TAKEN[bare], name)
            elif bare is Upload:
                self.file, self.file_is_optional = name, is_optional
            elif name == "body":
                self.body = JsonBody(kind)
            elif name == "query":
                self.query = QueryShape(kind)
            elif parameters[name].kind is inspect.Parameter.KEYWORD_ONLY:
                default = parameters[name].default
                loose.append((name, kind) if default is inspect.Parameter.empty else (name, kind, default))
            else:
                raise TypeError(f"{self.name}: what is the parameter {name}: {kind}?")
        if loose:
            loose.sort(key=len)  # required ones first
            self.loose = QueryShape(msgspec.defstruct(f"{self.name}_query", loose))

    def _path_parameter(self, name: str, hints: dict[str, Any]) -> PathParameter:
        kind = hints.get(name)
        if get_origin(kind) is Annotated and isinstance(get_args(kind)[1], Opaque):
            hidden = get_args(kind)[1].kind
            return PathParameter(name, int, self.rules.noun or hidden, hidden)
        if kind not in (int, str, UUID):
            raise TypeError(f"{self.name}: the path parameter {name} must be an int, a UUID or a str")
        before = self.path.partition("{" + name + "}")[0].strip("/").rpartition("/")[2]
        return PathParameter(name, kind, self.rules.noun or _singular(before))

    def _is_idempotent(self) -> bool:
        if self.rules.idempotent is None:
            return self.method == "POST" and not self.rules.public
        if self.rules.idempotent and self.rules.public:
            raise TypeError(f"{self.name}: without a caller there is nobody to keep an answer for")
        return self.rules.idempotent

    def query_fields(self) -> list[msgspec.structs.FieldInfo]:
        return [
            info
            for shape in (self.query, self.loose)
            if shape is not None
            for info in msgspec.structs.fields(shape.kind)
        ]

    def most_bytes(self) -> int:
        """What a body may have at most; form text and boundaries stand beside the file."""
        return self.rules.upload_limit * 2 if self.file else self.rules.body_limit


def _without_none(kind: Any) -> tuple[Any, bool]:
    if get_origin(kind) in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        if len(members) == 1:
            return members[0], len(members) < len(get_args(kind))
    return kind, False


def _singular(segment: str) -> str:
    noun = segment.replace("-", "_")
    return noun[:-3] + "y" if noun.endswith("ies") else noun.removesuffix("s")


PARAMETER = re.compile(r"\{(\w+)\}")
UUID_FORM = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
TAKEN: dict[Any, str] = {Tx: "tx", Call: "call", Page: "page", Cursor: "cursor", Walk: "cursor"}
