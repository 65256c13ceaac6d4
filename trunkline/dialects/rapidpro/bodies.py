"""Bodies as this API takes them: JSON, or a form in either coding whose repeated keys are lists. None means `{}`."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from trunkline.core.errors import Invalid, Malformed
from trunkline.dialects import bodies as plain
from trunkline.dialects import decoding
from trunkline.dialects.base import MEBIBYTE, Operation, UnsupportedMedia
from trunkline.dialects.calls import Call
from trunkline.dialects.rapidpro.errors import Rejected, across
from trunkline.dialects.uploads import Form

JSON, URLENCODED, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"


async def take(call: Call, receive: Any, operation: Operation, given: dict[str, Any]) -> tuple[Form | None, bytes]:
    """Put the body, and the file if one is wanted, into `given`; return what was read, to tell repeats by."""
    if operation.body is None and not operation.file:
        return None, b""
    kind = (call.header("content-type") or "").partition(";")[0].strip().lower()
    if kind == MULTIPART:
        return await _take_multipart(call, receive, operation, given)
    raw = await plain.read(call, receive, operation.rules.body_limit)
    allowed = (URLENCODED,) if operation.file else (JSON, URLENCODED)
    if raw and kind not in allowed:
        raise UnsupportedMedia(f'Unsupported media type "{kind}" in request.')
    if call.header("content-encoding") not in (None, "identity"):
        raise UnsupportedMedia("Content-Encoding is not supported; send the body as it is.")
    body = _form(raw) if kind == URLENCODED else _json(raw)
    if operation.body is not None:
        given["body"] = body
    if operation.file:
        given[operation.file] = None
    return None, msgspec.json.encode(body)


async def _take_multipart(
    call: Call, receive: Any, operation: Operation, given: dict[str, Any]
) -> tuple[Form | None, bytes]:
    form = Form(call.headers[b"content-type"], upload_limit=operation.rules.upload_limit, repeats=True)
    try:
        await form.read(plain.chunks(call, receive, operation.most_bytes()))
    except Invalid as error:
        form.close()
        limit = f"Limit for file uploads is {operation.rules.upload_limit / MEBIBYTE:.1f} MB."
        raise Rejected({name: [limit] for name in error.fields}) from None
    except BaseException:
        form.close()
        raise
    if operation.file:
        given[operation.file] = form.files.get(operation.file)
    if operation.body is not None:
        given["body"] = dict(form.fields)
    return form, b""


def _json(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = msgspec.json.decode(raw)
    except RecursionError:
        raise Malformed(decoding.TOO_DEEP) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"JSON parse error - {error}") from None
    decoding.vet(body, nulls=True)
    if not isinstance(body, dict):
        raise across("Request body should be a single JSON object")
    return body


def _form(raw: bytes) -> dict[str, Any]:
    body: dict[str, Any] = {}
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Malformed("The form cannot be read.") from None
    for name, value in pairs:
        if name not in body:
            body[name] = value
        elif isinstance(body[name], list):
            body[name].append(value)
        else:
            body[name] = [body[name], value]
    return body


MOST_FIELDS = 1000
