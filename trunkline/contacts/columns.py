"""Columns of an import that are custom fields: `fields.<key>`. Cells are read by the field's type."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from trunkline.contacts import environments, fields, sheets
from trunkline.contacts.fields import Type
from trunkline.contacts.staging import Draft
from trunkline.core import clock
from trunkline.core.db import Tx, sql
from trunkline.expressions import dates
from trunkline.expressions.environment import Environment

PREFIX = "fields."
MOST = 640


class BadRow(ValueError):
    """What is wrong with a row, for its error line."""


class Own(Struct, frozen=True):
    """The custom fields that columns are, by the name of the column; dates are read as the account writes them."""

    types: dict[str, Type]
    environment: Environment
    now: datetime

    def read(self, cells: Mapping[str, str]) -> dict[str, Any]:
        """The values by key, as they are stored. Raises `BadRow` for one that its type cannot be."""
        return {
            column.removeprefix(PREFIX): self._read(column.removeprefix(PREFIX), type, cells[column])
            for column, type in self.types.items()
            if column in cells
        }

    def _read(self, key: str, type: Type, cell: str) -> Any:
        if "\0" in cell or len(cell) > MOST:
            raise BadRow(f"{key} is longer than {MOST} characters" if len(cell) > MOST else f"{key} cannot be stored")
        if type == "number" and fields.read(type, cell) is None:
            raise BadRow(f"{key} must be a number, not '{cell[:100]}'")
        if type == "datetime":
            moment = dates.parse_datetime(self.environment, cell, self.now)
            if moment is None:
                raise BadRow(f"{key} must be a date, not '{cell[:100]}'")
            return fields.stored(type, moment.isoformat())
        return fields.stored(type, cell)


async def own(tx: Tx, columns: Sequence[str]) -> Own:
    """The custom fields among the columns. Raises `Invalid` for one that the account does not have (any more)."""
    declared: dict[str, Type] = {f"{PREFIX}{field.key}": field.type for field in await fields.all(tx)}
    wanted = [column for column in columns if column.startswith(PREFIX)]
    if gone := next((column for column in wanted if column not in declared), None):
        raise sheets.refused(f"There is no custom field '{gone.removeprefix(PREFIX)[:100]}'.")
    return Own({column: declared[column] for column in wanted}, await environments.of_account(tx), clock.now())


async def write(tx: Tx, drafts: Sequence[Draft]) -> None:
    """Merge the values of contacts that are written already; what rows leave blank stays."""
    rows = [(draft.contact_id, fields.as_json(draft.fields)) for draft in drafts if draft.fields]
    if rows:
        await tx.run(MERGE, tx.account, *map(list, zip(*rows, strict=True)))


MERGE = sql("""
    update contacts c set fields = c.fields || given.fields, updated_at = now()
    from (select id, fields::jsonb as fields from unnest($2::bigint[], $3::text[]) as given (id, fields)) given
    where c.account_id = $1 and c.id = any($2) and c.id = given.id
        and c.fields is distinct from c.fields || given.fields
""")
