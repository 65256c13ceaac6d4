"""Drip campaigns: letters that each member of a group gets some time after joining, or around a date of theirs.

A drip campaign is a broadcast of the type `drip` that owns a sequence; each point of that is a step and has a letter,
which is a row beside the campaign. draft → sending ⇄ paused, until it is deleted or canceled. While it is paused the
letters that become due wait in the line.
"""

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Struct

from trunkline.campaigns import audiences, broadcasts, letters, moments, sequences
from trunkline.campaigns.events import BroadcastStarted
from trunkline.campaigns.records import Broadcast, Changes, NewBroadcast, Progress
from trunkline.campaigns.sequences import JOINED, NewPoint, Unit
from trunkline.core import mailhtml
from trunkline.core.db import Tx, sql
from trunkline.core.errors import Invalid
from trunkline.core.ids import new_uuid
from trunkline.messaging import channels

MOST_STEPS = 50


class NewStep(Struct, frozen=True, kw_only=True):
    """`id` is that of a step that there is already."""

    subject: str
    html: str
    preview_text: str | None = None
    distance: int = 0
    unit: Unit = "days"
    relative_to: str = JOINED
    id: int | None = None


class Step(Struct, frozen=True):
    """The id is that of its point."""

    id: int
    letter_id: int
    relative_to: str
    distance: int
    unit: Unit
    subject: str
    html: str
    preview_text: str | None
    letter_total: int


async def create(tx: Tx, new: NewBroadcast, steps: Sequence[NewStep]) -> Broadcast:
    """A draft. What the campaign itself is known to say is its first letter."""
    group = _group(new.audience)
    said = _said(steps)
    drip = await broadcasts.create(tx, msgspec.structs.replace(new, type="drip", channel="email", **said))
    series = await sequences.create(tx, drip.name, group, broadcast_id=drip.id)
    await _revise(tx, drip, series.id, steps)
    return drip


async def update(tx: Tx, id: int, changes: Changes, steps: Sequence[NewStep] | None = None) -> Broadcast:
    """Change a draft, or one that is paused. Steps that are given are all that there are from now on."""
    group = _group(changes.audience) if changes.audience is not UNSET else None
    before = await broadcasts.get(tx, id)
    if before.status != "draft" and changes.channel_id not in (UNSET, before.channel_id):
        raise Invalid({"channel_id": ["Another account can be chosen in a draft only."]})
    if steps is not None:
        changes = msgspec.structs.replace(changes, **_said(steps))
    drip = await broadcasts.update(tx, id, changes)
    await audiences.check(tx, drip.audience)  # its group may be gone
    sequence_id = await sequences.of_drip(tx, id)
    if group is not None:
        await tx.run(RETARGET, tx.account, sequence_id, group)
        await moments.recalculate(tx, [point.id for point in await sequences.points(tx, [sequence_id])])
    await sequences.update(tx, sequence_id, name=drip.name)
    if steps is not None:
        await _revise(tx, drip, sequence_id, steps)
    return drip


async def send(tx: Tx, id: int) -> Broadcast:
    """Begin. Members count as joined now; of what hangs on other dates they get what is still ahead of them."""
    before = await broadcasts.lock(tx, id, "draft", verb="sent")
    await audiences.check(tx, before.audience)
    channel = await channels.choose(tx, before.channel, before.channel_id)
    await tx.run(START_LETTERS, tx.account, id, channel.id)
    for step in await steps(tx, id):
        await letters.write(tx, step.letter_id)
    drip = await tx.one(Broadcast, broadcasts.START, tx.account, id, channel.id)
    await sequences.activate(tx, await sequences.of_drip(tx, id))
    tx.record(BroadcastStarted(id, drip.name))
    return drip


async def steps(tx: Tx, id: int) -> list[Step]:
    """In the order in which they were made."""
    return await tx.fetch(Step, STEPS, tx.account, id)


async def progress(tx: Tx, id: int) -> dict[int, Progress]:
    """What came of each step: all letters that it ever had together."""
    points: dict[int, int] = {}
    sums: dict[int, Counter[str]] = {}
    for letter, point, total in await tx.rows(LETTERS, tx.account, id):
        points[letter] = point
        sums.setdefault(point, Counter())["total"] += total
    names = [f"broadcast:{letter}:{state}" for letter in points for state in Progress.__struct_fields__[1:]]
    for name, value in await tx.rows(broadcasts.COUNTS, tx.account, names):
        _, letter, state = name.split(":")
        sums[points[int(letter)]][state] += int(value)
    return {point: Progress(**sum) for point, sum in sums.items()}


def _group(audience: dict[str, object]) -> int:
    """The group that it is for: people come and go there, as they cannot among all."""
    if audience.get("type") not in ("group", "segment") or not isinstance(audience.get("id"), int):
        raise Invalid({"audience.type": ["A drip campaign is for a segment or a list."]})
    return int(str(audience["id"]))


def _said(steps: Sequence[NewStep]) -> dict[str, str | None]:
    if not 1 <= len(steps) <= MOST_STEPS:
        raise Invalid({"steps": [f"A drip campaign has between 1 and {MOST_STEPS} steps."]})
    return {"subject": steps[0].subject, "html": steps[0].html, "preview_text": steps[0].preview_text}


async def _revise(tx: Tx, drip: Broadcast, sequence_id: int, wanted: Sequence[NewStep]) -> None:
    """Make these the steps; those that are left out stop, and what of them waits is canceled."""
    known = {step.id: step for step in await steps(tx, drip.id)}
    named = [step.id for step in wanted if step.id is not None]
    for n, step in enumerate(wanted):
        if step.id is not None and (step.id not in known or named.count(step.id) > 1):
            raise Invalid({f"steps.{n}.id": ["The selected id is invalid."]})
    for n, step in enumerate(wanted):
        try:
            await _put(tx, drip, sequence_id, step, known.get(step.id or 0))
        except Invalid as error:
            raise Invalid({f"steps.{n}.{field}": told for field, told in error.fields.items()}) from None
    for id in known.keys() - set(named):
        await sequences.delete_point(tx, id)
        await _retire(tx, known[id])


async def _put(tx: Tx, drip: Broadcast, sequence_id: int, step: NewStep, before: Step | None) -> None:
    html = mailhtml.clean(step.html, "html")
    letter = before.letter_id if before else None
    same = before and (before.subject, before.html, before.preview_text) == (step.subject, html, step.preview_text)
    if letter is None or not same:
        letter = await tx.value(
            int, INSERT_LETTER, tx.account, new_uuid(), drip.id, step.subject, step.preview_text, html
        )
        assert letter is not None
        if drip.status != "draft":
            await letters.write(tx, letter)
    point = NewPoint(
        relative_to=step.relative_to, distance=step.distance, unit=step.unit, start_mode="passive", letter_id=letter
    )
    if before is None:
        made = await sequences.add_point(tx, sequence_id, point)
        await tx.run(ATTACH, tx.account, letter, made.id)
        return
    await sequences.change_point(tx, before.id, point)
    if not same:
        await tx.run(ATTACH, tx.account, letter, before.id)
        await _discard(tx, before)


async def _discard(tx: Tx, step: Step) -> None:
    """A letter that nobody got is forgotten; else its figures and its links stay, and what waits goes out."""
    if step.letter_total == 0:
        await tx.run(DELETE_LINKS, tx.account, step.letter_id)
        await tx.run(DELETE_LETTER, tx.account, step.letter_id)


async def _retire(tx: Tx, step: Step) -> None:
    """Nothing of a step that was taken out is sent any more, not by older letters of it either."""
    for letter in await tx.column(int, CANCEL_LETTERS, tx.account, step.id):
        tx.enqueue("jobs", "broadcast.cancel_rest", [letter], f"broadcast:{letter}", None)


STEPS = sql("""
    select p.id, l.id as letter_id, p.relative_to, p.distance, p.unit, l.subject, l.html, l.preview_text,
        l.total as letter_total
    from sequences s
    join sequence_points p on p.account_id = $1 and p.sequence_id = s.id and p.deleted_at is null
    join broadcasts l on l.account_id = $1 and l.id = p.letter_id
    where s.account_id = $1 and s.broadcast_id = $2 order by p.id
""")

LETTERS = sql("""
    select id, point_id, total from broadcasts where account_id = $1 and drip_id = $2 and point_id is not null
""")

# It is where its campaign is.
INSERT_LETTER = sql("""
    insert into broadcasts (account_id, uuid, type, name, channel, channel_id, drip_id, subject, preview_text, html,
        status, created_by)
    select $1, $2, 'letter', name, channel, channel_id, id, $4, $5, $6, status, created_by
    from broadcasts where account_id = $1 and id = $3
    returning id
""")

RETARGET = sql("update sequences set group_id = $3 where account_id = $1 and id = $2")

ATTACH = sql("update broadcasts set point_id = $3 where account_id = $1 and id = $2")

START_LETTERS = sql("""
    update broadcasts set status = 'sending', channel_id = $3, updated_at = now() where account_id = $1 and drip_id = $2
""")

CANCEL_LETTERS = sql("""
    update broadcasts set status = 'canceled', updated_at = now()
    where account_id = $1 and point_id = $2 and type = 'letter' returning id
""")

DELETE_LINKS = sql("delete from broadcast_links where account_id = $1 and broadcast_id = $2")

DELETE_LETTER = sql("delete from broadcasts where account_id = $1 and id = $2 and type = 'letter' and total = 0")
