-- Flows: what is asked, who is being asked, and what came of it.

-- A definition is stored once for each revision, as deflated JSON: it comes back to the letter, unknown keys included.
create table flows (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    type text not null check (type in ('messaging', 'messaging_background', 'messaging_offline', 'voice')),
    spec text not null,
    revision integer not null default 1,
    expires_after integer not null default 0,  -- minutes
    ignores_triggers boolean not null default false,
    valid boolean not null default true,
    info jsonb not null default '{}',
    archived boolean not null default false,
    created_by text not null default 'system',
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    primary key (account_id, id)
);
create unique index flows_uuid on flows (account_id, uuid);
create unique index flows_name on flows (account_id, name_key) where not archived;
call guard_tenant_table('flows');

create table flow_revisions (
    account_id bigint not null,
    flow_id bigint not null,
    revision integer not null,
    spec text not null,
    definition bytea not null,
    size integer not null,
    actor text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, flow_id, revision)
);
alter table flow_revisions alter column definition set storage external;  -- it is deflated already
call guard_tenant_table('flow_revisions');

-- Whoever waits in a flow. A contact waits in one session at most; a row lives as long as the wait.
create table flow_sessions (
    account_id bigint not null,
    contact_id bigint not null,
    uuid uuid not null,
    type text not null,
    flow_id bigint not null,
    node uuid,
    version integer not null default 1,
    state bytea not null,
    wait text not null check (wait in ('msg', 'dial')),
    timeout_at timestamptz,
    expires_at timestamptz not null,
    due_at timestamptz not null,  -- the earlier of the two; a claim pushes it forward as its lease
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    primary key (account_id, contact_id)
) with (autovacuum_vacuum_scale_factor = 0.05);
alter table flow_sessions alter column state set storage external;
create index flow_sessions_due on flow_sessions (due_at);
create index flow_sessions_flow on flow_sessions (account_id, flow_id, contact_id);
call guard_tenant_table('flow_sessions');

-- Every run that ever was, until it is archived. A path is two arrays: nodes, and when each was reached.
create table flow_runs (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    flow_id bigint not null,
    contact_id bigint not null,
    session uuid not null,
    parent uuid,
    start_id bigint,
    status text not null check (status in ('active', 'waiting', 'completed', 'interrupted', 'expired', 'failed')),
    responded boolean not null default false,
    nodes uuid[] not null default '{}',
    arrivals timestamptz[] not null default '{}',
    results jsonb not null default '{}',
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    exited_at timestamptz,
    primary key (account_id, id)
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
create unique index flow_runs_uuid on flow_runs (account_id, uuid);
create index flow_runs_modified on flow_runs (account_id, modified_at desc, id desc);
create index flow_runs_flow on flow_runs (account_id, flow_id, modified_at desc, id desc);
create index flow_runs_contact on flow_runs (account_id, contact_id, id desc);
create index flow_runs_open on flow_runs (account_id, session) where exited_at is null;
call guard_tenant_table('flow_runs');

create function tally_runs() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'flow:' || flow_id || ':' || status, count(*) from new_rows
        group by account_id, flow_id, status;
    elsif tg_op = 'UPDATE' then
        insert into tallies (account_id, name, value)
        select account_id, 'flow:' || flow_id || ':' || status, sum(delta) from (
            select account_id, flow_id, status, 1 as delta from new_rows
            union all
            select account_id, flow_id, status, -1 from old_rows
        ) changes group by account_id, flow_id, status having sum(delta) <> 0;
    end if;
    return null;
end $$;
create trigger tally_insert after insert on flow_runs
    referencing new table as new_rows for each statement execute function tally_runs();
create trigger tally_update after update on flow_runs
    referencing new table as new_rows old table as old_rows for each statement execute function tally_runs();

-- Starting many: from whom they are to the last of them, with a cursor.
create table flow_starts (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    flow_id bigint not null,
    message jsonb,  -- what is sent instead of starting the flow, by language
    origin text not null check (origin in ('ui', 'api', 'zapier', 'flow', 'trigger')),
    status text not null default 'pending' check (status in ('pending', 'queued', 'started', 'completed', 'failed',
        'interrupted')),
    groups bigint[] not null default '{}',
    contacts bigint[] not null default '{}',
    query text,
    exclude_groups bigint[] not null default '{}',
    exclude_in_flow boolean not null default false,
    exclude_started boolean not null default false,
    create_contact boolean not null default false,
    params jsonb,
    run_summary jsonb,
    history jsonb,
    cursor bigint not null default 0,
    expanded boolean not null default false,
    total integer not null default 0,
    failure text,
    created_by text not null,
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    primary key (account_id, id)
);
create unique index flow_starts_uuid on flow_starts (account_id, uuid);
create index flow_starts_running on flow_starts (status) where status in ('pending', 'queued', 'started');
create index flow_starts_latest on flow_starts (account_id, modified_at desc, id desc);
call guard_tenant_table('flow_starts');

create table flow_triggers (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    kind text not null check (kind in ('keyword', 'catch_all', 'inbound_call', 'missed_call', 'new_conversation',
        'schedule', 'closed_ticket', 'referral', 'opt_in', 'opt_out')),
    flow_id bigint not null,
    channel_id bigint,
    keywords text[] not null default '{}',
    match text check (match in ('first_word', 'only_word')),
    referrer text,
    groups bigint[] not null default '{}',
    exclude_groups bigint[] not null default '{}',
    contacts bigint[] not null default '{}',
    cron text,
    archived boolean not null default false,
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    primary key (account_id, id),
    check ((kind = 'keyword') = (match is not null)),
    check ((kind = 'schedule') = (cron is not null))
);
create unique index flow_triggers_uuid on flow_triggers (account_id, uuid);
create index flow_triggers_kind on flow_triggers (account_id, kind) where not archived;
call guard_tenant_table('flow_triggers');

create table globals (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    key text not null,
    name text not null,
    value text not null default '',
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, key)
);
call guard_tenant_table('globals');

-- What flows did outside and what went wrong in them, for people to read. Pruned after two weeks.
create table flow_log (
    account_id bigint not null,
    id bigint generated always as identity,
    flow_id bigint,
    contact_id bigint,
    run uuid,
    kind text not null check (kind in ('webhook', 'resthook', 'email', 'llm', 'airtime', 'warning', 'error', 'failure')),
    ok boolean not null default true,
    text text not null default '',
    code text,
    url text,
    status integer,
    request text,
    response text,
    elapsed_ms integer,
    at timestamptz not null default now(),
    primary key (account_id, id)
);
create index flow_log_contact on flow_log (account_id, contact_id, id desc);
create index flow_log_flow on flow_log (account_id, flow_id, id desc);
create index flow_log_age on flow_log (at);
call guard_tenant_table('flow_log');

-- How often nodes were reached, exits taken and categories chosen: deltas, added up by whoever reads.
create table flow_counts (
    account_id bigint not null,
    flow_id bigint not null,
    kind text not null check (kind in ('node', 'exit', 'waiting', 'result')),
    key text not null,
    id bigint generated always as identity,
    value bigint not null,
    primary key (account_id, flow_id, kind, key, id)
) with (autovacuum_vacuum_scale_factor = 0.05);
call guard_tenant_table('flow_counts');

-- Who waits at which node is counted here, so that no way out of a session can forget it.
create function count_waiting() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into flow_counts (account_id, flow_id, kind, key, value)
        select account_id, flow_id, 'waiting', node::text, count(*) from new_rows
        where node is not null group by account_id, flow_id, node;
    elsif tg_op = 'UPDATE' then
        insert into flow_counts (account_id, flow_id, kind, key, value)
        select account_id, flow_id, 'waiting', node::text, sum(delta) from (
            select account_id, flow_id, node, 1 as delta from new_rows
            union all
            select account_id, flow_id, node, -1 from old_rows
        ) changes where node is not null group by account_id, flow_id, node having sum(delta) <> 0;
    else
        insert into flow_counts (account_id, flow_id, kind, key, value)
        select account_id, flow_id, 'waiting', node::text, -count(*) from old_rows
        where node is not null group by account_id, flow_id, node;
    end if;
    return null;
end $$;
create trigger count_insert after insert on flow_sessions
    referencing new table as new_rows for each statement execute function count_waiting();
create trigger count_update after update on flow_sessions
    referencing new table as new_rows old table as old_rows for each statement execute function count_waiting();
create trigger count_delete after delete on flow_sessions
    referencing old table as old_rows for each statement execute function count_waiting();

-- The last few who took an exit.
create table flow_recents (
    account_id bigint not null,
    flow_id bigint not null,
    exit uuid not null,
    id bigint generated always as identity,
    contact_id bigint not null,
    operand text not null default '',
    at timestamptz not null,
    primary key (account_id, flow_id, exit, id)
);
call guard_tenant_table('flow_recents');

-- What colleagues should see to; opened by flows or by hand.
create table tickets (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    contact_id bigint not null,
    conversation_id bigint,
    topic_id bigint,
    assignee_id bigint,
    status text not null default 'open' check (status in ('open', 'closed')),
    flow_id bigint,
    opened_by text not null,
    opened_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    closed_at timestamptz,
    primary key (account_id, id)
);
create unique index tickets_uuid on tickets (account_id, uuid);
create index tickets_contact on tickets (account_id, contact_id, id desc);
create index tickets_latest on tickets (account_id, modified_at desc, id desc);
create unique index tickets_open on tickets (account_id, contact_id) where status = 'open';
call guard_tenant_table('tickets');

-- Labels of messages.
create table labels (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, name_key)
);
create unique index labels_uuid on labels (account_id, uuid);
call guard_tenant_table('labels');

create table message_labels (
    account_id bigint not null,
    label_id bigint not null,
    message_id bigint not null,
    primary key (account_id, label_id, message_id)
);
create index message_labels_message on message_labels (account_id, message_id);
call guard_tenant_table('message_labels');

create function tally_labels() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'label:' || label_id, count(*) from new_rows group by account_id, label_id;
    else
        insert into tallies (account_id, name, value)
        select account_id, 'label:' || label_id, -count(*) from old_rows group by account_id, label_id;
    end if;
    return null;
end $$;
create trigger tally_insert after insert on message_labels
    referencing new table as new_rows for each statement execute function tally_labels();
create trigger tally_delete after delete on message_labels
    referencing old table as old_rows for each statement execute function tally_labels();

alter table messages add column flow_id bigint;

-- Names under which flows tell programs of others what happened.
create table resthooks (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    slug text not null,
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, slug)
);
call guard_tenant_table('resthooks');

create table resthook_subscribers (
    account_id bigint not null,
    id bigint generated always as identity,
    resthook_id bigint not null,
    url text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, resthook_id, url)
);
call guard_tenant_table('resthook_subscribers');

create table resthook_events (
    account_id bigint not null,
    id bigint generated always as identity,
    resthook_id bigint not null,
    data jsonb not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create index resthook_events_age on resthook_events (created_at);
call guard_tenant_table('resthook_events');

-- Sequences: what is sent to a group's contacts some time before or after a date of theirs.
create table sequences (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    group_id bigint not null,
    archived boolean not null default false,
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (account_id, id)
);
create unique index sequences_uuid on sequences (account_id, uuid);
create unique index sequences_name on sequences (account_id, name_key) where deleted_at is null;
call guard_tenant_table('sequences');

create table sequence_points (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    sequence_id bigint not null,
    relative_to text not null,
    distance integer not null,  -- in units, negative before
    unit text not null check (unit in ('minutes', 'hours', 'days', 'weeks')),
    delivery_hour smallint not null default -1 check (delivery_hour between -1 and 23),
    start_mode text not null default 'interrupt' check (start_mode in ('interrupt', 'skip', 'passive')),
    flow_id bigint,
    message jsonb,
    base_language text,
    scheduling boolean not null default true,  -- its moments are being worked out
    created_at timestamptz not null default now(),
    modified_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (account_id, id),
    check ((flow_id is null) <> (message is null))
);
create unique index sequence_points_uuid on sequence_points (account_id, uuid);
create index sequence_points_of on sequence_points (account_id, sequence_id) where deleted_at is null;
call guard_tenant_table('sequence_points');

create table sequence_moments (
    account_id bigint not null,
    point_id bigint not null,
    contact_id bigint not null,
    due_at timestamptz not null,
    primary key (account_id, point_id, contact_id)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index sequence_moments_due on sequence_moments (due_at);
create index sequence_moments_contact on sequence_moments (account_id, contact_id);
call guard_tenant_table('sequence_moments');

-- When a point is due for somebody, by the clock on the wall there. An unknown zone counts as UTC.
create function sequence_moment(base timestamptz, zone text, distance integer, unit text, hour integer)
returns timestamptz language plpgsql stable as $$
declare
    wall timestamp;
begin
    if unit in ('minutes', 'hours') then
        return base + make_interval(mins => case unit when 'hours' then 60 else 1 end * distance);
    end if;
    begin
        wall := base at time zone zone;
    exception when invalid_parameter_value then
        zone := 'UTC';
        wall := base at time zone zone;
    end;
    wall := wall + make_interval(days => case unit when 'weeks' then 7 else 1 end * distance);
    if hour >= 0 then
        wall := date_trunc('day', wall) + make_interval(hours => hour);
    end if;
    return wall at time zone zone;
exception when datetime_field_overflow then
    return null;  -- beyond the calendar
end $$;

-- Old rows that were moved into files: gzipped JSON lines in the media folder.
create table archives (
    account_id bigint not null,
    id bigint generated always as identity,
    kind text not null check (kind in ('message', 'run')),
    period text not null check (period in ('daily', 'monthly')),
    start_date date not null,
    records integer not null,
    size bigint not null,
    hash text not null,
    media_key text,  -- null when there was nothing to keep
    rolled_up_id bigint,
    created_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, kind, period, start_date)
);
call guard_tenant_table('archives');

-- Flows are run against things that every process keeps in memory. Whoever changes one of them adds to this count;
-- a sum of deltas needs no lock and cannot miss a late commit.
create function count_asset_change() returns trigger language plpgsql as $$
declare
    owner bigint := case when tg_op = 'DELETE' then old.account_id else new.account_id end;
begin
    insert into tallies (account_id, name, value) values (owner, 'assets', 1);
    return null;
end $$;
create function count_account_change() returns trigger language plpgsql as $$
begin
    insert into tallies (account_id, name, value) values (new.id, 'assets', 1);
    return null;
end $$;

do $$
declare
    name text;
begin
    foreach name in array array['flows', 'fields', 'labels', 'globals', 'topics', 'memberships', 'resthooks',
        'resthook_subscribers', 'templates', 'flow_triggers', 'sequences']
    loop
        execute format('create trigger count_asset_change after insert or update or delete on %I
            for each row execute function count_asset_change()', name);
    end loop;
end $$;
-- Progress of a filling and trouble with a provider are nothing to flows.
create trigger count_asset_change after insert or delete or update of name, query on groups
    for each row execute function count_asset_change();
create trigger count_asset_change after insert or delete or update of name, active, is_default, deleted_at on channels
    for each row execute function count_asset_change();
create trigger count_asset_change after update of name, timezone, country, languages, settings on accounts
    for each row execute function count_account_change();

-- Archives look for a day's messages; the table lies in order of time, so this index is a few pages.
create index messages_age on messages using brin (created_at);
