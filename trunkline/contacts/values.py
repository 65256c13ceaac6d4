"""Values: what a template may say about a contact."""

from collections.abc import Collection
from typing import Any

from trunkline.core.db import Tx, sql


async def of_contacts(tx: Tx, ids: Collection[int], names: Collection[str]) -> dict[int, dict[str, Any]]:
    """Per contact: name, first_name, last_name, email, phone, company, city, country, language, title, id,
    each field by its key (also as `fields.<key>`), and `metadata`. Company is looked up only when `names` asks."""
    rows = await tx.rows(VALUES, tx.account, list(ids), "company" in names)
    out = {}
    for id, known, fields, metadata in rows:
        out[id] = {**fields, **known, "id": id, "fields": fields, "metadata": metadata}
    return out


VALUES = sql("""
    select c.id, jsonb_strip_nulls(jsonb_build_object('name', c.name, 'first_name', c.first_name,
        'last_name', c.last_name, 'email', c.email, 'phone', c.phone, 'title', c.title, 'city', c.city,
        'country', c.country,
        'language', c.language, 'company', case when $3::boolean then (
            select o.name from companies o where o.account_id = $1 and o.id = c.company_id) end)),
        c.fields, c.metadata
    from contacts c where c.account_id = $1 and c.id = any($2::bigint[])
""")
