"""Drawings of flows: boxes for nodes, chips for their exits, curves from exits to nodes. Pure geometry, in pixels.

The places are those that the flow's author gave (`_ui`), pushed apart where boxes would lie upon each other. A flow
without places is laid out in layers: who is reached first stands higher.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from trunkline.flows.definition import Flow, Node
from trunkline.web.flows import steps
from trunkline.web.flows.steps import Phrase
from trunkline.web.words import Words

WIDTH = 216
CHIP_WIDTH, CHIP_HEIGHT, PLAIN_HEIGHT = 96, 26, 10
PADDING, LINE_HEIGHT, HEAD = 12, 16, 30
GAP_ACROSS, GAP_DOWN, MARGIN = 48, 64, 40
MOST_PHRASES, MOST_LINES = 4, 3
LETTER = 6.2
FARTHEST = 20_000

Places = dict[str, tuple[float, float]]


class Line(Struct, frozen=True):
    text: str
    y: float
    kind: str


class Chip(Struct, frozen=True):
    """An exit of a node. `path` leads to where it goes, empty where the flow ends."""

    uuid: str
    name: str
    label: str
    x: float
    y: float
    width: float
    height: float
    passed: int
    path: str


class Box(Struct, frozen=True):
    """A node. `entered` came to it so far, `waiting` stand there now."""

    uuid: str
    x: float
    y: float
    width: float
    height: float
    title: str
    kind: str
    number: int
    lines: list[Line]
    chips: list[Chip]
    entered: int
    waiting: int


class Drawing(Struct, frozen=True):
    width: float
    height: float
    boxes: list[Box]


class _Outline(Struct):
    node: Node
    phrases: list[Phrase]
    lines: list[Line]
    width: float
    height: float


def draw(flow: Flow, counts: Mapping[str, Mapping[str, int]], words: Words) -> Drawing:
    """`counts` as `flows.counts.of` gives them."""
    outlines, places = _plan(flow, words)
    boxes = [
        _box(outlines[node.uuid], number, places, outlines, counts) for number, node in enumerate(flow.nodes, start=1)
    ]
    return Drawing(
        width=max((box.x + box.width for box in boxes), default=0) + MARGIN,
        height=max((box.y + box.height for box in boxes), default=0) + GAP_DOWN,
        boxes=boxes,
    )


@lru_cache(maxsize=100)
def _plan(flow: Flow, words: Words) -> tuple[dict[str, _Outline], Places]:
    """What of a drawing no count changes. A revision of a flow is one object for as long as it is in use."""
    outlines = {node.uuid: _outline(node, words) for node in flow.nodes}
    return outlines, _apart(_given(flow, outlines) or _layered(flow, outlines), outlines)


def _outline(node: Node, words: Words) -> _Outline:
    """How large a node is and what stands in it."""
    width = max(WIDTH, len(node.exits) * CHIP_WIDTH)
    phrases = steps.phrases(node, words)
    lines: list[Line] = []
    y = HEAD + 18
    for index, phrase in enumerate(phrases[:MOST_PHRASES]):
        if index:
            lines.append(Line(phrase.heading, y + 4, "heading"))
            y += LINE_HEIGHT + 4
        for text in wrapped(phrase.text, width - 2 * PADDING, MOST_LINES):
            lines.append(Line(text, y, "text"))
            y += LINE_HEIGHT
    if len(phrases) > MOST_PHRASES:
        lines.append(Line(f"+ {len(phrases) - MOST_PHRASES}", y, "hint"))
        y += LINE_HEIGHT
    return _Outline(node, phrases, lines, width, y - 4 + _chip_height(node))


def _chip_height(node: Node) -> float:
    """The one way on has no name to show."""
    return CHIP_HEIGHT if node.router else PLAIN_HEIGHT


def _box(
    outline: _Outline,
    number: int,
    places: Places,
    outlines: Mapping[str, _Outline],
    counts: Mapping[str, Mapping[str, int]],
) -> Box:
    node, (x, y) = outline.node, places[outline.node.uuid]
    first = outline.phrases[0] if outline.phrases else Phrase("", "", "split")
    return Box(
        uuid=node.uuid,
        x=x,
        y=y,
        width=outline.width,
        height=outline.height,
        title=cut(first.heading, outline.width - 70),
        kind=first.kind,
        number=number,
        lines=outline.lines,
        chips=_chips(outline, places, outlines, counts.get("exit", {})),
        entered=counts.get("node", {}).get(node.uuid, 0),
        waiting=counts.get("waiting", {}).get(node.uuid, 0),
    )


def _chips(
    outline: _Outline, places: Places, outlines: Mapping[str, _Outline], passed: Mapping[str, int]
) -> list[Chip]:
    """The exits side by side along the lower edge."""
    node, (x, y) = outline.node, places[outline.node.uuid]
    width, height, bottom = outline.width / max(1, len(node.exits)), _chip_height(node), y + outline.height
    chips = []
    for index, exit in enumerate(node.exits):
        left, name = x + index * width, steps.way(node, exit)
        target = exit.destination_uuid if exit.destination_uuid in places else None
        path = ""
        if target:
            beyond = max(x + outline.width, places[target][0] + outlines[target].width) + 18
            path = _curve(left + width / 2, bottom, *_top(places, outlines, target), beyond)
        number = passed.get(f"{exit.uuid}:{exit.destination_uuid or ''}", 0)
        label = cut(name, width - 8)
        chips.append(Chip(exit.uuid, name, label, left, bottom - height, width, height, number, path))
    return chips


def _top(places: Places, outlines: Mapping[str, _Outline], uuid: str) -> tuple[float, float]:
    x, y = places[uuid]
    return x + outlines[uuid].width / 2, y


def _curve(x: float, y: float, to_x: float, to_y: float, beyond: float) -> str:
    """Down out of an exit and from above into a node; to one that stands higher around the side."""
    end = to_y - 7  # the head of the arrow
    if to_y > y:
        bend = max(24, min(120, (to_y - y) / 2))
        return f"M{x:.0f} {y:.0f}C{x:.0f} {y + bend:.0f} {to_x:.0f} {end - bend:.0f} {to_x:.0f} {end:.0f}"
    down = f"M{x:.0f} {y:.0f}C{x:.0f} {y + 36:.0f} {beyond:.0f} {y + 36:.0f} {beyond:.0f} {y - 10:.0f}"
    return f"{down}V{end - 4:.0f}C{beyond:.0f} {end - 34:.0f} {to_x:.0f} {end - 34:.0f} {to_x:.0f} {end:.0f}"


def _given(flow: Flow, outlines: Mapping[str, _Outline]) -> Places | None:
    """The author's places, when every node has one and they are not miles apart."""
    ui = flow.raw.get("_ui")
    shown = ui.get("nodes") if isinstance(ui, dict) else None
    places: Places = {}
    for uuid in outlines:
        node = shown.get(uuid) if isinstance(shown, dict) else None
        position = node.get("position") if isinstance(node, dict) else None
        if not isinstance(position, dict):
            return None
        try:
            places[uuid] = (float(position.get("left") or 0), float(position.get("top") or 0))
        except (TypeError, ValueError):
            return None
    if not places or not all(abs(each) <= FARTHEST for place in places.values() for each in place):
        return None
    return places


def _layered(flow: Flow, outlines: Mapping[str, _Outline]) -> Places:
    """Rows by the number of steps from the entry; what nothing leads to follows below."""
    rows: defaultdict[int, list[str]] = defaultdict(list)
    rank: dict[str, int] = {}
    for root in outlines:
        if root in rank:
            continue
        level = max(rank.values(), default=-1) + 1
        found = [root]
        while found:
            following: list[str] = []
            for uuid in dict.fromkeys(found):
                if uuid not in rank:
                    rank[uuid] = level
                    rows[level].append(uuid)
                    following += _next(flow, uuid)
            found, level = following, level + 1
    places: Places = {}
    y = 0.0
    for level in sorted(rows):
        x = 0.0
        for uuid in rows[level]:
            places[uuid] = (x, y)
            x += outlines[uuid].width + GAP_ACROSS
        y += max(outlines[uuid].height for uuid in rows[level]) + GAP_DOWN
    return places


def _next(flow: Flow, uuid: str) -> list[str]:
    node = flow.by_uuid[uuid]
    return [to for exit in node.exits if (to := exit.destination_uuid) and to in flow.by_uuid]


def _apart(places: Places, outlines: Mapping[str, _Outline]) -> Places:
    """From the top down: who would lie upon somebody moves below them. The first corner is the margin."""
    left = min((x for x, _ in places.values()), default=0)
    top = min((y for _, y in places.values()), default=0)
    settled: Places = {}
    columns: defaultdict[int, set[str]] = defaultdict(set)  # who stands in each strip of the paper
    for uuid in sorted(places, key=lambda uuid: (places[uuid][1], places[uuid][0])):
        x, y = places[uuid][0] - left + MARGIN, places[uuid][1] - top + MARGIN
        width, height = outlines[uuid].width, outlines[uuid].height
        strips = range(int(x // WIDTH), int((x + width) // WIDTH) + 1)
        near = {other for strip in strips for other in columns[strip]}
        beside = [
            (settled[other][1], settled[other][1] + outlines[other].height)
            for other in near
            if settled[other][0] < x + width and x < settled[other][0] + outlines[other].width
        ]
        for begin, end in sorted(beside):
            if y < end + GAP_DOWN / 2 and begin < y + height:
                y = end + GAP_DOWN / 2
        settled[uuid] = (x, y)
        for strip in strips:
            columns[strip].add(uuid)
    return settled


def wrapped(text: str, width: float, most: int) -> list[str]:
    """Lines of at most this width; what does not fit into the last one is cut."""
    words, lines, line = text.split(), [], ""
    while words and len(lines) < most:
        longer = f"{line} {words[0]}".strip()
        if measure(longer) <= width:
            line = longer
            words.pop(0)
        elif line:
            lines.append(line)
            line = ""
        else:
            head = cut(words[0], width, "")
            words[0] = words[0][len(head) :]
            line = head
    if line and len(lines) < most:
        lines.append(line)
    elif words:
        lines[-1] = cut(f"{lines[-1]} {words[0]}…", width)
    return lines


def cut(text: str, width: float, sign: str = "…") -> str:
    """As much of a text as fits."""
    if measure(text) <= width:
        return text
    room, kept = width - measure(sign), 0.0
    for index, letter in enumerate(text):
        kept += measure(letter)
        if kept > room:
            return text[: max(1, index)].rstrip() + sign
    return text


def measure(text: str) -> float:
    """About how wide a text is."""
    if text.isascii():
        return LETTER * len(text)
    return sum(2 * LETTER if unicodedata.east_asian_width(letter) in "WF" else LETTER for letter in text)
