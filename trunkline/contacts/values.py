"""Values: what a template may say about a contact."""

from collections.abc import Collection
from typing import Any

from trunkline.core.db import Tx, sql


async def of_contacts(tx: Tx, ids: Collection[int], names: Collection[str]) -> dict[int, dict[str, Any]]:
    """Per contact: name, first_name, last_name, email, phone, company, city, country, language, title, id,
    each field by its key (also as `fields.<key>`), and `metadata`. Company is looked up only when `names` asks."""
    rows = await tx.rows(VALUES, tx.account, list(ids), "company" in names)
    out = {}
    for id, fields, metadata, *columns in rows:
        known = {name: value for name, value in zip(COLUMNS, columns, strict=True) if value is not None}
        out[id] = {**(fields or {}), **known, "id": id, "fields": fields or {}, "metadata": metadata or {}}
    return out


COLUMNS = (
    "name", "first_name", "last_name", "email", "phone", "title", "city", "country", "language", "company"
)  # fmt: skip

# Most people have no fields; a broadcast reads this for each of them, and nothing is sooner read than `{}`.
VALUES = sql("""
    select c.id, nullif(c.fields, '{}'), nullif(c.metadata, '{}'), c.name, c.first_name, c.last_name, c.email, c.phone,
        c.title, c.city, c.country, c.language, case when $3::boolean then (
            select o.name from companies o where o.account_id = $1 and o.id = c.company_id) end
    from contacts c where c.account_id = $1 and c.id = any($2::bigint[])
""")
