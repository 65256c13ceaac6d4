"""Waits: what a run waits for before its router looks at the answer."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct

from trunkline.core import phones
from trunkline.flows import events, flow_types
from trunkline.flows.marks import Uuid, template
from trunkline.flows.step import Step

Seconds = Annotated[int, Meta(ge=1, le=366 * 24 * 3600)]


class Timeout(Struct, frozen=True, kw_only=True):
    seconds: Seconds
    category_uuid: Uuid


class AudioHint(Struct, frozen=True, kw_only=True, tag_field="type", tag="audio"):
    pass


class ImageHint(Struct, frozen=True, kw_only=True, tag_field="type", tag="image"):
    pass


class VideoHint(Struct, frozen=True, kw_only=True, tag_field="type", tag="video"):
    pass


class LocationHint(Struct, frozen=True, kw_only=True, tag_field="type", tag="location"):
    pass


class DigitsHint(Struct, frozen=True, kw_only=True, tag_field="type", tag="digits", omit_defaults=True):
    count: int | None = None
    terminated_by: str = ""


Hint = AudioHint | ImageHint | VideoHint | LocationHint | DigitsHint


class MsgWait(Struct, frozen=True, kw_only=True, tag_field="type", tag="msg"):
    type: ClassVar[str] = "msg"
    allowed_in: ClassVar[frozenset[str]] = flow_types.INTERACTIVE

    timeout: Timeout | None = None
    hint: Hint | None = None

    def begin(self, step: Step) -> bool:
        """True when the run waits now. What triggered the session answers the wait that comes first."""
        runs = step.session.runs
        if step.session.trigger["type"] == "msg" and len(runs) == 1 and len(runs[0].path) == 1:
            return False
        step.log(
            events.MsgWait(
                expires_on=step.expires_on,
                timeout_seconds=self.timeout.seconds if self.timeout else 0,
                hint=msgspec.to_builtins(self.hint) if self.hint else None,
            )
        )
        return True

    def accepts(self, resume: str) -> bool:
        return resume in ("msg", "wait_expiration") or (resume == "wait_timeout" and self.timeout is not None)


class DialWait(Struct, frozen=True, kw_only=True, tag_field="type", tag="dial"):
    type: ClassVar[str] = "dial"
    allowed_in: ClassVar[frozenset[str]] = flow_types.VOICE

    phone: Annotated[str, template()]
    dial_limit_seconds: Seconds = 60
    call_limit_seconds: Seconds = 7200

    def begin(self, step: Step) -> bool:
        """False, with an error, when there is nobody to dial."""
        written = step.evaluate(self.phone).text.strip()
        try:
            number = phones.parse(written, step.environment.default_country or None)
        except phones.BadPhone as error:
            step.error(f"{written[:50]!r} cannot be dialled: {error}", "urn:invalid", urn=f"tel:{written[:50]}")
            return False
        step.log(
            events.DialWait(
                urn=f"tel:{number}",
                dial_limit_seconds=self.dial_limit_seconds,
                call_limit_seconds=self.call_limit_seconds,
                expires_on=step.expires_on,
            )
        )
        return True

    def accepts(self, resume: str) -> bool:
        return resume == "dial"


Wait = MsgWait | DialWait
