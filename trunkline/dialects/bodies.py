"""What an endpoint takes from the body: JSON or a form, read up to the operation's limits."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect

from trunkline.core import problems
from trunkline.core.errors import Invalid, TooLarge
from trunkline.dialects import decoding
from trunkline.dialects.calls import Call
from trunkline.dialects.operations import Operation
from trunkline.dialects.refusals import UnsupportedMedia
from trunkline.dialects.uploads import Form

Receive = Callable[[], Awaitable[Any]]


async def take(call: Call, receive: Receive, operation: Operation, given: dict[str, Any]) -> tuple[Form | None, bytes]:
    """Put what the endpoint wants into `given`; return what was read, to tell repeats by. The form is to be closed."""
    headers = call.headers
    if operation.file:
        if headers.get(b"content-type", b"").lower().startswith(b"multipart/"):
            return await _take_form(call, receive, operation, given), b""
        _require_no_file(headers, operation)
        given[operation.file] = None
    if operation.body is None:
        return None, b""
    raw = await read(call, receive, operation.rules.body_limit)
    if operation.rules.form and decoding.is_form(headers):
        fields = decoding.parse_form(raw)
        given["body"] = problems.convert(operation.body.kind, fields, strict=False)
        return None, msgspec.json.encode(fields)
    if raw:
        decoding.require_json(headers)
    given["body"] = operation.body.decode(raw)
    return None, raw


def _require_no_file(headers: dict[bytes, bytes], operation: Operation) -> None:
    if operation.file_is_optional:
        return
    if headers.get(b"content-type"):
        raise UnsupportedMedia("The request body must be multipart/form-data.")
    raise Invalid({operation.file: [f"The {operation.file} field is required."]})


async def _take_form(call: Call, receive: Receive, operation: Operation, given: dict[str, Any]) -> Form:
    form = Form(call.headers[b"content-type"], upload_limit=operation.rules.upload_limit)
    try:
        await form.read(chunks(call, receive, operation.most_bytes()))
        given[operation.file] = form.files.get(operation.file)
        if given[operation.file] is None and not operation.file_is_optional:
            raise Invalid({operation.file: [f"The {operation.file} field is required."]})
        if operation.body is not None:
            given["body"] = problems.convert(operation.body.kind, form.fields, strict=False)
    except BaseException:
        form.close()
        raise
    return form


async def read(call: Call, receive: Receive, limit: int) -> bytes:
    return b"".join([chunk async for chunk in chunks(call, receive, limit)])


async def chunks(call: Call, receive: Receive, limit: int) -> AsyncIterator[bytes]:
    declared = call.headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge("The request body is too large.")
    taken, is_more = 0, True
    while is_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        taken += len(chunk)
        if taken > limit:
            raise TooLarge("The request body is too large.")
        yield chunk
        is_more = message.get("more_body", False)
