"""OpenAPI 3.1 documents and the table of routes, both from the same operations that serve."""

import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import Struct

import trunkline
from trunkline import dialects
from trunkline.core.errors import (
    Conflict,
    Forbidden,
    Invalid,
    LimitReached,
    Malformed,
    NotFound,
    TooLarge,
    TrunklineError,
    Unauthenticated,
    Unavailable,
)
from trunkline.dialects import walking
from trunkline.dialects.answers import Answer, Paged, Stream
from trunkline.dialects.base import Dialect
from trunkline.dialects.examples import example
from trunkline.dialects.operations import Operation
from trunkline.dialects.pages import PageNumbers
from trunkline.dialects.refusals import ServerError, UnsupportedMedia
from trunkline.dialects.schemas import Schemas
from trunkline.dialects.walking import Walks


class Route(Struct, frozen=True):
    dialect: str
    method: str
    path: str
    scope: str
    level: str
    bucket: str
    summary: str


def routes() -> list[Route]:
    """Every operation of every dialect at the prefix that documents name."""
    return [route for dialect in dialects.load_all() for route in routes_of(dialect)]


def routes_of(dialect: Dialect) -> list[Route]:
    return [
        Route(
            dialect.name,
            operation.method,
            dialect.address + path,
            " ".join(operation.rules.scopes),
            "public" if operation.rules.public else operation.rules.level or "",
            operation.rules.bucket or "",
            operation.summary,
        )
        for operation in dialect.operations
        for path in operation.paths
    ]


def document(dialect: Dialect, server_url: str) -> dict[str, Any]:
    """The document of one dialect; `server_url` is where the installation is reached, without a path."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in dialect.operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(dialect, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": dialect.title, "version": trunkline.__version__, "description": dialect.description},
        "servers": [{"url": server_url.rstrip("/") + dialect.address}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {credential.name: credential.security for credential in dialect.auth},
        },
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in dialect.operations)],
    }


def _operation(dialect: Dialect, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    rules = operation.rules
    security = [] if rules.public else [{credential.name: []} for credential in rules.auth or dialect.auth]
    suffix = f"_{operation.method.lower()}" if operation.method == "PATCH" else ""
    described: dict[str, Any] = {
        "operationId": operation.name.rstrip("_") + suffix,
        "summary": operation.summary,
        "description": operation.doc,
        "tags": [operation.tag],
        "security": security,
        "parameters": [*_in_path(operation), *_in_query(dialect, operation, schemas), *_in_headers(operation)],
        "responses": {**_refusals(dialect, operation, schemas), **_successes(dialect, operation, schemas)},
    }
    if rules.scopes:
        described["x-scope"] = list(rules.scopes) if rules.scopes[1:] else rules.scopes[0]
    if rules.level:
        described["x-level"] = rules.level
    if rules.bucket:
        described["x-bucket"] = rules.bucket
    if operation.body is not None or operation.file:
        described["requestBody"] = _body(operation, schemas)
    return described


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "in": "path",
            "required": True,
            "schema": OPAQUE_ID if each.opaque else PATH_SCHEMAS[each.kind],
        }
        for each in operation.path_parameters
    ]


def _in_query(dialect: Dialect, operation: Operation, schemas: Schemas) -> list[dict[str, Any]]:
    found = dialect.page.parameters() if dialect.page and (operation.page or operation.cursor) else []
    for info in operation.query_fields():
        schema = schemas.of(info.type)
        if info.default is not msgspec.NODEFAULT and isinstance(info.default, str | int | float):
            schema = {**schema, "default": info.default}
        parameter = {"name": info.encode_name, "in": "query", "schema": schema, "required": info.required}
        if info.required:
            parameter["example"] = example(schema, schemas.components)
        found.append(parameter)
    return found


def _in_headers(operation: Operation) -> list[dict[str, Any]]:
    return [IDEMPOTENCY_KEY] if operation.idempotent else []


def _body(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if operation.rules.fields:
        content["application/json"] = {"schema": _of_fields(operation.rules.fields)}
    elif operation.body is not None and (not operation.file or operation.file_is_optional):
        schema = schemas.of(operation.body.kind)
        content["application/json"] = {"schema": schema, "example": example(schema, schemas.components)}
        if operation.rules.form:
            content["application/x-www-form-urlencoded"] = {"schema": {"type": "object"}}
    if operation.file:
        content["multipart/form-data"] = {"schema": _form(operation, schemas)}
    return {"required": _needs_body(operation), "content": content}


def _of_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    properties = {name: field.schema for name, field in fields.items()}
    required = [name for name, field in fields.items() if field.required]
    return {"type": "object", "properties": properties, "required": required}


def _needs_body(operation: Operation) -> bool:
    """Whether the empty body, which counts as `{}`, would be refused."""
    if operation.file and not operation.file_is_optional:
        return True
    if operation.rules.fields:
        return any(field.required for field in operation.rules.fields.values())
    kind = operation.body.kind if operation.body else None
    if isinstance(kind, type) and issubclass(kind, Struct):
        return any(info.required for info in msgspec.structs.fields(kind))
    return kind is not None and (get_origin(kind) or kind) is not dict


def _form(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    kind = operation.body.kind if operation.body else None
    fields = msgspec.structs.fields(kind) if isinstance(kind, type) and issubclass(kind, Struct) else ()
    # A file in OpenAPI 3.1 is a string without an encoding.
    properties = {
        operation.file: {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
    }
    properties |= {info.encode_name: schemas.of(info.type) for info in fields}
    required = [info.encode_name for info in fields if info.required]
    if not operation.file_is_optional:
        required.append(operation.file)
    return {"type": "object", "properties": properties, "required": required}


def _successes(dialect: Dialect, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    found = {operation.rules.status: operation.returns, **operation.rules.answers}
    if operation.returns in (None, type(None)) and operation.rules.status == OK:
        del found[OK]
        found[EMPTY] = None
    return {str(status): _success(dialect, kind, schemas) for status, kind in found.items()}


def _success(dialect: Dialect, returned: Any, schemas: Schemas) -> dict[str, Any]:
    kind = _payload(returned)
    headers = dict.fromkeys(("X-RateLimit-Limit", "X-RateLimit-Remaining"), RATE_HEADER)
    if kind in (None, type(None)):
        return {"description": "Done; the body is empty.", "headers": headers}
    if kind is Stream:
        return {"description": "The file, written while it is made.", "headers": headers, "content": {"*/*": {}}}
    if get_origin(kind) is Paged:
        (item,) = get_args(kind) or (Any,)
        schema = _page(dialect, schemas, item)
    else:
        schema = schemas.of(kind)
    return {"description": "Success.", "headers": headers, "content": {"application/json": {"schema": schema}}}


def _page(dialect: Dialect, schemas: Schemas, item: Any) -> dict[str, Any]:
    if isinstance(dialect.page, PageNumbers):
        return schemas.page(item)
    rows = schemas.of(list[item])
    return walking.schema(rows) if isinstance(dialect.page, Walks) else rows


def _payload(returned: Any) -> Any:
    """What stands inside `Answer[…]`, beside it in `X | Answer`, or beside the stream of the same in `X | Stream`."""
    if returned is Answer:
        return Any
    if get_origin(returned) is Answer:
        return _payload(get_args(returned)[0])
    given = get_args(returned) if get_origin(returned) in UNIONS else ()
    members = [each for each in given if each not in (Answer, Stream) and get_origin(each) is not Answer]
    return members[0] if len(members) == 1 else returned


def _refusals(dialect: Dialect, operation: Operation, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {}
    kinds = _raised(operation)
    if operation.cursor and isinstance(dialect.page, Walks):
        kinds.add(NotFound)  # a cursor that is none of ours
    for status in sorted({dialect.status_of(kind) for kind in kinds}):
        kind = dialect.error_shapes.get(status, dialect.error_shapes.get(None))
        found[str(status)] = {
            "description": REASONS[status],
            "content": {"application/json": {"schema": schemas.of(kind)}},
        }
    return found


def _raised(operation: Operation) -> set[type[TrunklineError]]:
    """The errors that any such operation can end in, and those it declares."""
    rules = operation.rules
    kinds: set[type[TrunklineError]] = {Malformed, LimitReached, ServerError, Unavailable, *rules.raises}
    if not rules.public:
        kinds.add(Unauthenticated)
        kinds.add(Forbidden)
    if operation.path_parameters:
        kinds.add(NotFound)
    if operation.body is not None or operation.file:
        kinds |= {Invalid, UnsupportedMedia, TooLarge}
    if operation.query_fields() or operation.page or operation.cursor or operation.path_parameters:
        kinds.add(Invalid)
    if operation.idempotent:
        kinds |= {Conflict, Invalid}
    return kinds


OK, EMPTY = 200, 204
UNIONS = (Union, types.UnionType)
PATH_SCHEMAS: dict[type, dict[str, Any]] = {
    int: {"type": "integer", "format": "int64", "minimum": 1, "maximum": 2**63 - 1},
    UUID: {"type": "string", "format": "uuid"},
    str: {"type": "string", "minLength": 1},
}
OPAQUE_ID: dict[str, Any] = {"type": "string", "minLength": 1, "examples": ["4UYbrhSNX2vQwJzLkF6d"]}
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and request within 24 hours has one effect and gets the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
RATE_HEADER: dict[str, Any] = {"schema": {"type": "integer"}}
REASONS = {
    400: "The request cannot be read.",
    401: "The credential is missing or not valid.",
    402: "There are not enough credits.",
    403: "The credential may not do this.",
    404: "There is no such thing.",
    409: "The state of things forbids it.",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    422: "Fields are wrong.",
    429: "Too many requests; Retry-After tells when to come back.",
    500: "Our fault.",
    503: "Not available right now; Retry-After tells when to come back.",
}
