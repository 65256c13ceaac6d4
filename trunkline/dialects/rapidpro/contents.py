"""Fields of what messages hold: files that were uploaded before, and quick replies."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from trunkline.dialects.rapidpro.fields import Choice as OneOf
from trunkline.dialects.rapidpro.fields import Field, Fixed, Items, Reading, Text, Wrong
from trunkline.dialects.rapidpro.references import Many
from trunkline.messaging import media
from trunkline.messaging.choices import Choice
from trunkline.messaging.media import File

LONGEST_TEXT = 4096
MOST_FILES = 10
MOST_REPLIES = 10


class Files:
    """By uuid, or written `type:url` where the address holds the uuid. Found as `media.File`."""

    async def find(self, reading: Reading, texts: Sequence[str]) -> Mapping[str, File]:
        wanted = {text: UUID(found[-1]) for text in texts if (found := UUIDS.findall(text.lower()))}
        known = await media.by_uuids(reading.tx, list(wanted.values())) if wanted else {}
        return {text: known[uuid] for text, uuid in wanted.items() if uuid in known}

    def problem(self, found: Any, text: str) -> str | None:
        return None


class QuickReply(Field):
    """`{"text", "extra"}`, or the bare text. Found as `choices.Choice`."""

    kind = "object"

    def bounds(self) -> dict[str, Any]:
        return Fixed("", PARTS).bounds()

    async def read(self, reading: Reading, value: Any) -> Choice:
        given = await Fixed("", PARTS).read(reading, {"text": value} if isinstance(value, str) else value)
        kind, text, extra = given.get("type", "text"), given.get("text") or "", given.get("extra") or ""
        if kind == "text" and "text" not in given:
            raise Wrong({"text": ["This field is required."]})
        if kind == "location" and extra:
            raise Wrong([f"Quick replies of type '{kind}' cannot have an 'extra' value."])
        if kind in ("form", "url") and not (text and extra):
            raise Wrong([f"Quick replies of type '{kind}' require 'text' and 'extra' values."])
        return Choice(text, extra, kind)


def files(help: str) -> Many:
    return Many(help, Files(), most=MOST_FILES, required=False)


def quick_replies(help: str) -> Items:
    return Items(help, QuickReply(help), most=MOST_REPLIES, required=False)


PARTS: dict[str, Field] = {
    "text": Text("What is sent when it is tapped.", most=64, required=False),
    "extra": Text("The small print.", most=64, required=False, blank=True, null=True),
    "type": OneOf("What tapping it does.", ("text", "location", "form", "url"), required=False),
}
UUIDS = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
