-- What the RapidPro API shows of the house.

-- A group that the product keeps: nobody renames or deletes it.
alter table groups add column system boolean not null default false;

-- What colleagues note about somebody; the newest few are kept.
create table contact_notes (
    account_id bigint not null,
    id bigint generated always as identity,
    contact_id bigint not null,
    user_id bigint,
    body text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create index contact_notes_contact on contact_notes (account_id, contact_id, id);
call guard_tenant_table('contact_notes');

-- Clients that keep a copy ask who is there and who is gone, each in the order of the last change; one index over both
-- would be walked past everybody else.
create index contacts_deleted on contacts (account_id, updated_at desc, id desc) where deleted_at is not null;

-- What people put away or delete is not shown any more; reports go on counting it. A plain default rewrites nothing.
alter table messages add column visibility text not null default 'visible'
    check (visibility in ('visible', 'archived', 'deleted'));

-- Messages by folder. The folder follows from status and visibility, and while it stays the same a new status touches
-- no index: queued, sending and errored are one folder, so are sent, delivered and read. What comes in has its folder
-- from the first moment; whether it was answered yet is asked of the row.
alter table messages add column folder text collate "C" generated always as (
    case
        when visibility = 'deleted' then null
        when direction = 'in' then case
            when visibility = 'archived' then 'archived' when flow_id is null then 'inbox' else 'flows' end
        when status in ('sent', 'delivered', 'read', 'unknown') then 'sent'
        when status in ('failed', 'canceled') then 'failed'
        else 'outbox'
    end) stored;
create index messages_folder on messages (account_id, folder, created_at, id) where folder is not null;
-- What was sent is read in the order of sending. The time of writing stands behind, so that asking for a range of it
-- needs no look at the rows. A `case`, because `coalesce` is not trusted before the policy was asked.
create index messages_sent on messages
    (account_id, (case when sent_at is null then created_at else sent_at end), id, created_at) where folder = 'sent';

-- A uuid that is sorted by time, so that an index of them grows at its end.
create function new_uuid() returns uuid language sql volatile parallel safe as $$
    select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
        substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
        52, 1), 53, 1), 'hex')::uuid
$$;
alter table messages alter column uuid set default new_uuid();
create index messages_uuid on messages (account_id, uuid);

-- A message to many that was asked for without a flow has a number among the broadcasts; flow 0 is none.
alter table flow_starts add column broadcast_id bigint;
create unique index flow_starts_broadcast on flow_starts (account_id, broadcast_id) where broadcast_id is not null;
create index flow_starts_broadcasts on flow_starts (account_id, created_at desc, broadcast_id desc)
    where broadcast_id is not null;
grant usage on sequence broadcasts_id_seq to trunkline_app, trunkline_system;

-- How many tickets each topic has, open and closed.
create function tally_tickets() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'tickets:' || topic_id || ':' || status, count(*) from new_rows
        where topic_id is not null group by account_id, topic_id, status;
    else
        insert into tallies (account_id, name, value)
        select account_id, 'tickets:' || topic_id || ':' || status, sum(value) from (
            select account_id, topic_id, status, 1 as value from new_rows
            union all
            select account_id, topic_id, status, -1 from old_rows
        ) changes where topic_id is not null group by account_id, topic_id, status having sum(value) <> 0;
    end if;
    return null;
end $$;
create trigger tally_insert after insert on tickets
    referencing new table as new_rows for each statement execute function tally_tickets();
create trigger tally_update after update on tickets
    referencing new table as new_rows old table as old_rows for each statement execute function tally_tickets();
insert into tallies (account_id, name, value)
select account_id, 'tickets:' || topic_id || ':' || status, count(*) from tickets
where topic_id is not null group by account_id, topic_id, status;

-- What contacts may be asked whether they want it.
create table optins (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, name_key)
);
call guard_tenant_table('optins');

-- Programs that keep copies of runs, flows and of what resthooks told ask for pages by time: the first and the
-- thousandth cost the same. Runs that heard an answer are few where a flow went out to many.
create index flow_runs_responded on flow_runs (account_id, flow_id, modified_at desc, id desc) where responded;
create index flows_created on flows (account_id, created_at desc, id desc);
create index resthook_events_latest on resthook_events (account_id, created_at desc, id desc);
create index resthook_events_of on resthook_events (account_id, resthook_id, created_at desc, id desc);

-- A workspace that is copied from another server, part by part: how far each part came, and what did not come along.
-- `held` is what would act by itself; it waits until somebody lets it.
create table moves (
    account_id bigint not null references accounts (id),
    host text not null,
    part text not null,
    cursor text,
    done bigint not null default 0,
    left_out bigint not null default 0,
    problems jsonb not null default '[]',
    held jsonb not null default '[]',
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (account_id, host, part)
);
call guard_tenant_table('moves');
