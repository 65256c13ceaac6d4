"""A workspace that has run for years: a million contacts, messages and runs, with all that hangs on each."""

import asyncpg
from msgspec import Struct

from trunkline.core.db import Database
from trunkline.messaging import channels


class Plenty(Struct, frozen=True):
    """`group` and `members`, contacts, may be named in bulk."""

    group: str
    members: list[str]


async def fill(database: Database, account: int, count: int) -> Plenty:
    async with database.tx(account) as tx:
        phone, _ = await channels.create(tx, "simulator", "Phones", "+40700000000", {})
    owner = await asyncpg.connect(database.dsn)
    try:
        # What counts rows and sorts values has nothing to do with reading pages.
        await owner.execute("set session_replication_role = replica")
        search = await owner.fetchval("select pg_get_indexdef('contacts_search'::regclass)")
        await owner.execute("drop index contacts_search")  # made afterwards at once, in a fraction of the time
        for statement in (FIELDS, GROUPS, LABELS, FLOW):
            await owner.execute(statement, account)
        await owner.execute(CONTACTS, account, count)
        for statement in (URNS, MEMBERS, NOTES, RUNS):
            await owner.execute(statement, account)
        await owner.execute(MESSAGES, account, phone.id)
        await owner.execute(LABELLED, account)
        await owner.execute(search)
        await owner.execute("vacuum analyze")
        group = await owner.fetchval("select uuid::text from groups where account_id = $1 order by id limit 1", account)
        members = await owner.fetch(
            "select uuid::text from contacts where account_id = $1 order by id limit 100", account
        )
    finally:
        await owner.close()
    return Plenty(group, [row[0] for row in members])


FIELDS = """
    insert into fields (account_id, uuid, key, label, type)
    select $1, gen_random_uuid(), key, initcap(key), type
    from (values ('plan', 'text'), ('seats', 'number'), ('joined', 'datetime'), ('town', 'text')) f (key, type)
"""

GROUPS = """
    insert into groups (account_id, uuid, name, name_key)
    select $1, gen_random_uuid(), 'Group ' || n, 'group ' || n from generate_series(1, 6) n
"""

LABELS = """
    insert into labels (account_id, uuid, name, name_key)
    select $1, gen_random_uuid(), 'Label ' || n, 'label ' || n from generate_series(1, 5) n
"""

FLOW = """
    insert into flows (account_id, uuid, name, name_key, type, spec)
    select $1, gen_random_uuid(), 'Survey ' || n, 'survey ' || n, 'messaging', '14.4.2' from generate_series(1, 4) n
"""

# The last changed first have the lowest numbers; each tenth was changed at the same moment as the one before.
CONTACTS = """
    insert into contacts (account_id, uuid, name, first_name, last_name, phone, email, language, fields, created_at,
        updated_at, last_seen_at, current_flow_id)
    select $1, gen_random_uuid(), 'Maria Ionescu ' || n, 'Maria', 'Ionescu ' || n, '+4072' || lpad(n::text, 7, '0'),
        'maria' || n || '@example.com', 'eng',
        jsonb_build_object('plan', 'gold', 'seats', n % 50, 'joined', '2024-03-01T10:20:30.123456+00:00',
            'town', 'Cluj-Napoca'),
        now() - make_interval(secs => $2::int), now() - make_interval(secs => n - (n % 10 = 0)::int),
        case when n % 2 = 0 then now() - make_interval(secs => n) end,
        case when n % 4 = 0 then (select min(id) from flows where account_id = $1) end
    from generate_series(1, $2::int) n
"""

URNS = """
    insert into urns (account_id, contact_id, scheme, path, priority)
    select account_id, id, scheme, case scheme when 'tel' then phone else email end, (scheme = 'mailto')::int
    from contacts, unnest(array['tel', 'mailto']) scheme where account_id = $1
"""

MEMBERS = """
    insert into group_members (account_id, group_id, contact_id)
    select c.account_id, g.id, c.id from contacts c
    join groups g on g.account_id = c.account_id
        and g.name_key in ('group ' || (1 + c.id % 3), 'group ' || (4 + c.id % 3))
    where c.account_id = $1
"""

NOTES = """
    insert into contact_notes (account_id, contact_id, body)
    select account_id, id, 'Prefers mornings' from contacts where account_id = $1 and id % 5 = 0
"""

# Two of three were heard, one of three was sent.
MESSAGES = """
    insert into messages (account_id, direction, status, contact_id, channel_id, scheme, address, body, flow_id,
        quick_replies, attachments, created_at, sent_at)
    select $1, case when id % 3 > 0 then 'in' else 'out' end, case when id % 3 > 0 then 'handled' else 'delivered' end,
        id, $2, 'tel', phone, 'Is my order on its way? I have waited since Tuesday.',
        case when id % 3 = 1 then (select min(id) from flows where account_id = $1) end,
        case when id % 3 = 0 then '[{"type": "text", "text": "Yes"}, {"type": "text", "text": "No"}]'::jsonb end,
        case when id % 10 = 1
            then '[{"content_type": "image/jpeg", "url": "https://files.example/photo.jpg"}]'::jsonb end,
        updated_at, case when id % 3 = 0 then updated_at end
    from contacts where account_id = $1 order by updated_at
"""

LABELLED = """
    insert into message_labels (account_id, label_id, message_id)
    select m.account_id, l.id, m.id from messages m
    join labels l on l.account_id = m.account_id and l.name_key = 'label ' || (1 + m.id % 5)
    where m.account_id = $1 and m.direction = 'in'
"""

RUNS = """
    insert into flow_runs (account_id, uuid, flow_id, contact_id, session, status, responded, nodes, arrivals, results,
        created_at, modified_at, exited_at)
    select $1, gen_random_uuid(), (select min(id) from flows where account_id = $1) + id % 4, id, gen_random_uuid(),
        case when id % 4 = 0 then 'waiting' else 'completed' end, id % 2 = 0,
        array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid()],
        array[created_at, updated_at, updated_at, updated_at],
        jsonb_build_object(
            'drink', jsonb_build_object('name', 'Drink', 'value', 'tea', 'category', 'Tea', 'input', 'Tea please',
                'node_uuid', uuid, 'created_on', '2026-03-01T10:20:30.123456Z'),
            'age', jsonb_build_object('name', 'Age', 'value', '42', 'category', 'Adult', 'input', 'I am 42',
                'node_uuid', uuid, 'created_on', '2026-03-01T10:21:30.123456Z')),
        created_at, updated_at, case when id % 4 > 0 then updated_at end
    from contacts where account_id = $1 order by updated_at
"""

FIRST_GROUP = "select uuid::text from groups where account_id = $1 order by id limit 1"

SOME_CONTACTS = "select uuid::text from contacts where account_id = $1 order by id limit 100"
