"""What a text put into a contact field is: parsed into every type at once, so that the field may change its own."""

from typing import Any

from trunkline.expressions import dates, locations, numbers
from trunkline.flows.assets import Field
from trunkline.flows.contact import FieldValue
from trunkline.flows.scene import Scene

PLACES = ("state", "district", "ward")


def parse(scene: Scene, field: Field, text: str) -> FieldValue:
    """`text` is trimmed and not empty. A date without a time is filled up with the time of day it is now."""
    moment = dates.parse_datetime(scene.environment, text, scene.clock(), fill=True)
    if scene.assets.locations is None:
        return FieldValue(text=text, number=numbers.parse(text), datetime=moment)
    known = {kind: _known(scene, kind) for kind in ("state", "district")}
    place = locations.place(scene.assets.locations, text, field.type, **known)
    return FieldValue(
        text=text,
        number=numbers.parse(text),
        datetime=moment,
        state=place.state or "",
        district=place.district or "",
        ward=place.ward or "",
    )


def value(field: Field, stored: FieldValue | None) -> Any:
    """What expressions see: by the field's own type, or null."""
    if stored is None:
        return None
    if field.type in ("number", "datetime"):
        return getattr(stored, field.type)
    if field.type in PLACES:
        return getattr(stored, field.type) or None
    return stored.text


def _known(scene: Scene, kind: str) -> str | None:
    """The state or district that the contact's first field of that type says."""
    stored = (scene.contact.fields.get(field.key) for field in scene.assets.fields.values() if field.type == kind)
    return next((path for each in stored if each and (path := getattr(each, kind))), None)
