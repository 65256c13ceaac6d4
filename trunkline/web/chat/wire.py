"""What goes over the wire between a chat window and us: bodies as they are read, answers as they are written."""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from trunkline.core import problems
from trunkline.core.errors import LimitReached, Malformed, TooLarge, TrunklineError, Unavailable
from trunkline.messaging import choices
from trunkline.messaging.chat import proofs
from trunkline.messaging.chat.speaking import Said
from trunkline.messaging.chat.stream import Entry
from trunkline.messaging.chat.windows import Window
from trunkline.web import errors

LARGEST_BODY = 64 * 1024

Text = Annotated[str, Meta(max_length=2048)]


class Hello(Struct, frozen=True):
    """`visitor` is what the browser keeps; `user_id` with `user_hash`, or `jwt`, is what the site vouches for."""

    visitor: Text | None = None
    user_id: Text | None = None
    user_hash: Text | None = None
    jwt: Annotated[str, Meta(max_length=8192)] | None = None
    name: Text | None = None
    email: Text | None = None
    page_url: str | None = None
    referrer_url: str | None = None
    source: str | None = None


class Words(Struct, frozen=True):
    """`website` is a field that people do not see: whoever fills it in is a program."""

    id: Text
    text: str
    website: str = ""
    page_url: str | None = None
    referrer_url: str | None = None


class Seen(Struct, frozen=True):
    seq: Annotated[int, Meta(ge=0, lt=2**62)]


def shape(entry: Entry) -> dict[str, Any]:
    """A message as visitors see it: who of us wrote it is not their business."""
    return {
        "seq": entry.seq,
        "id": entry.uuid,
        "told_id": entry.told_id,
        "mine": entry.direction == "in",
        "text": entry.text,
        "files": [
            {"url": each.get("url", ""), "name": each.get("name", ""), "content_type": each.get("content_type", "")}
            for each in entry.attachments
        ],
        "choices": choices.texts(entry.quick_replies),
        "at": entry.created_at,
    }


def number(text: str | None, name: str) -> int | None:
    if not text:
        return None
    if not NUMBER.fullmatch(text):
        raise Malformed(f"{name} is a whole number.")
    return int(text)


async def body(request: Request, most: int) -> bytes:
    """The whole body; too large a one is refused by its announcement, or as soon as it is."""
    sentence = f"The body is larger than {most // 1024} KiB."
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise TooLarge(sentence)
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise TooLarge(sentence)
    return bytes(content)


async def read(request: Request, kind: type[Any]) -> Any:
    raw = await body(request, LARGEST_BODY)
    try:
        value = msgspec.json.decode(raw or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None
    return problems.convert(kind, value, strict=True)


def person(window: Window, hello: Hello) -> proofs.Person | None:
    if hello.jwt:
        return proofs.of_jwt(window.secret, hello.jwt)
    if hello.user_id or hello.user_hash:
        return proofs.of_hash(window.secret, hello.user_id or "", hello.user_hash or "")
    return None


def answer(said: Said) -> Response:
    message = shape(said.entry) if said.entry else None
    return written({"duplicate": said.duplicate, "message": message}, 200 if said.duplicate else 201)


def refusal(error: TrunklineError) -> Response:
    document: dict[str, Any] = {"message": error.message, "code": error.code}
    if fields := getattr(error, "fields", None):
        document["errors"] = fields
    headers = {}
    if isinstance(error, LimitReached | Unavailable):
        headers["Retry-After"] = str(error.retry_after)
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 422)
    return written(document, status, headers)


def written(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = msgspec.json.encode(document)
    return Response(content, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


STATUSES = {**errors.STATUSES, TooLarge: 413}
NUMBER = re.compile(r"[0-9]{1,18}")
