"""Values in several languages: one value, which is in the workspace's first language, or an object by language."""

from typing import Any

from trunkline.dialects.rapidpro.fields import Field, Reading, Wrong
from trunkline.dialects.rapidpro.languages import KNOWN, NOT_ALLOWED

MOST_LANGUAGES = 50


class Translated(Field):
    """Always an object by language once it is read. `item` reads one translation."""

    def __init__(self, help: str, item: Field, *, required: bool = True, null: bool = False) -> None:
        super().__init__(help, required=required, null=null)
        self.item = item

    @property
    def schema(self) -> dict[str, Any]:
        several = {"type": "object", "additionalProperties": self.item.schema}
        return {"anyOf": [self.item.schema, several], "description": self.help}

    async def read(self, reading: Reading, value: Any) -> dict[str, Any]:
        by_language = value if isinstance(value, dict) else {reading.account.languages[0]: value}
        if not by_language:
            raise Wrong(["This dictionary may not be empty."])
        if len(by_language) > MOST_LANGUAGES:
            raise Wrong([f"Ensure this field has no more than {MOST_LANGUAGES} elements."])
        found: dict[str, Any] = {}
        wrong: dict[str, Any] = {}
        for language, one in by_language.items():
            try:
                # The workspace's own first language is never refused, whoever chose it.
                if language not in KNOWN and language != reading.account.languages[0]:
                    raise Wrong([NOT_ALLOWED])
                found[language] = await self.item.take(reading, one)
            except Wrong as error:
                wrong[language] = error.detail
        if wrong:
            raise Wrong(wrong)
        return found
