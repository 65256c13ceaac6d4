"""Make an appointment with the contact and mail the invitation to everybody."""

import base64
from datetime import timedelta
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from trunkline.accounts import accounts, places
from trunkline.core import clock, mailaddr
from trunkline.core.db import Tx
from trunkline.workflows import appointments, colleagues, letters
from trunkline.workflows.appointments import Appointment
from trunkline.workflows.definition import Problems
from trunkline.workflows.letters import Letter
from trunkline.workflows.steps.base import Outcome, Scene, Step, StepFailed

MOST_ATTENDEES = 50


class Config(Struct, frozen=True):
    """`start_offset_minutes` counts from the moment of the step. `timezone` is how the invitation tells the time.

    `attendees` are addresses besides the contact's, in a list or with commas between.
    """

    summary: Annotated[str, Meta(min_length=1, max_length=255)]
    description: Annotated[str, Meta(max_length=5000)] | None = None
    location: Annotated[str, Meta(max_length=255)] | None = None
    start_offset_minutes: Annotated[int, Meta(ge=0, le=527_040)] = 60
    duration_minutes: Annotated[int, Meta(ge=1, le=44_640)] = 30
    attendees: list[str] | str | None = None
    timezone: Annotated[str, Meta(max_length=100)] | None = None


async def check(tx: Tx, config: Config) -> Problems:
    problems: Problems = {}
    given = _given(config)
    if len(given) > MOST_ATTENDEES:
        problems["attendees"] = [f"An appointment has at most {MOST_ATTENDEES} attendees."]
    for attendee in given:
        try:
            mailaddr.parse(attendee) if "{{" not in attendee else None
        except mailaddr.BadEmail as error:
            problems["attendees"] = [str(error)]
    if config.timezone is not None:
        try:
            places.timezone(config.timezone)
        except places.BadPlace as error:
            problems["timezone"] = [str(error)]
    return problems


async def run(tx: Tx, scene: Scene, config: Config) -> Outcome:
    appointment = await _appointment(tx, scene, config)
    await appointments.keep(tx, appointment)
    keep: dict[str, Any] = {"id": str(appointment.uuid), "starts_at": clock.iso(appointment.starts_at)}
    channel = await colleagues.mail_channel(tx)
    if channel is None:
        return Outcome(note="Not mailed: no e-mail channel is connected.", keep={"event": keep})
    letter = _letter(scene, appointment, channel.address)
    try:
        await letters.queue(tx, scene.contact_id, letter, scene.known)
    except letters.NotSent as why:
        return Outcome(note=f"Not mailed: {why.message}", keep={"event": keep})
    return Outcome(keep={"event": keep})


async def _appointment(tx: Tx, scene: Scene, config: Config) -> Appointment:
    zone = places.timezone(config.timezone) if config.timezone else (await accounts.current(tx)).timezone
    now = clock.now().replace(second=0, microsecond=0)
    starts = now + timedelta(minutes=config.start_offset_minutes)
    attendees = []
    for attendee in _given(config):
        try:
            attendees.append(mailaddr.parse(scene.text(attendee)))
        except mailaddr.BadEmail as error:
            raise StepFailed(f"An attendee cannot be invited. {error}") from None
    return Appointment(
        uuid5(NAMESPACE_URL, scene.key),
        scene.contact_id,
        scene.text(config.summary, "header"),
        scene.text(config.description or ""),
        scene.text(config.location or "", "header"),
        zone,
        starts,
        starts + timedelta(minutes=config.duration_minutes),
        list(dict.fromkeys(attendees)),
    )


def _letter(scene: Scene, appointment: Appointment, organizer: str) -> Letter:
    """What is said in words is final: braces in it are no slots any more."""
    everybody: list[str] = [scene.known["email"]] if scene.known.get("email") else []
    others = [one for one in appointment.attendees if one not in everybody]
    invited = [*everybody, *others]
    file = appointments.invitation(appointment, organizer, invited)
    at = appointment.starts_at.astimezone(ZoneInfo(appointment.timezone))
    told = {"summary": appointment.summary, "when": f"{at:%Y-%m-%d %H:%M} ({appointment.timezone})"}
    lines = ["{{invitation.summary}}", "{{invitation.when}}"]
    for name in ("location", "description"):
        if said := getattr(appointment, name):
            told[name] = said
            lines.append(f"{{{{invitation.{name}}}}}")
    scene.known["invitation"] = told
    return Letter(
        subject="{{invitation.summary}}",
        text="\n".join(lines),
        headers={"cc": others} if others else {},
        attachments=[
            {
                "content_type": "text/calendar; method=REQUEST",
                "name": "invite.ics",
                "content": base64.b64encode(file).decode(),
            }
        ],
    )


def _given(config: Config) -> list[str]:
    given = config.attendees or []
    listed = given.split(",") if isinstance(given, str) else given
    return [one.strip() for one in listed if one.strip()]


STEP = Step(config=Config, run=run, check=check)
