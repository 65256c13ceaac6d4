-- Roles, tenant isolation, and the product-free tables: queues, events, schedules, idempotency, limits.

-- Two roles beside the owner. The application role sees one account at a time; the system role serves
-- what has no account yet (key lookup, sign-in, claims). Neither owns a table.
do $$
begin
    if not exists (select from pg_roles where rolname = 'trunkline_app') then
        create role trunkline_app nologin;
    end if;
    if not exists (select from pg_roles where rolname = 'trunkline_system') then
        create role trunkline_system nologin;
    end if;
exception when duplicate_object or unique_violation then
    null;  -- another database of the same cluster made them just now
end $$;

grant trunkline_app to current_user;
grant trunkline_system to current_user;
grant usage on schema public to trunkline_app, trunkline_system;

create extension if not exists pg_trgm;

create function current_account() returns bigint language sql stable parallel safe
    return nullif(current_setting('trunkline.account', true), '')::bigint;

-- Every tenant table goes through here: forced row-level security, one policy per role, no exceptions.
create procedure guard_tenant_table(name text, writable boolean default true) language plpgsql as $$
begin
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format(
        'create policy tenant on %I to trunkline_app using (account_id = (select current_account()))', name);
    execute format('create policy installation on %I to trunkline_system using (true)', name);
    execute format('grant select, insert%s on %I to trunkline_app, trunkline_system',
        case when writable then ', update, delete' else '' end, name);
end $$;

-- Jobs and inbound messages wait in two tables of one shape; a claim pushes run_at forward as its lease.
create table jobs (
    account_id bigint not null,
    id bigint generated always as identity,
    key text,
    name text not null,
    args jsonb not null default '[]',
    actor text not null default 'system',
    cause text not null default '',
    depth smallint not null default 0,
    run_at timestamptz not null default now(),
    attempts smallint not null default 0,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create index jobs_due on jobs (account_id, run_at, id);
create index jobs_key on jobs (account_id, key, id) where key is not null;
call guard_tenant_table('jobs');

create table inbound (like jobs including all);
alter index inbound_account_id_run_at_id_idx rename to inbound_due;
alter index inbound_account_id_key_id_idx rename to inbound_key;
call guard_tenant_table('inbound');

-- Messages that wait to be sent, by line (lane, channel, account, broadcast). Narrow; rows go when acknowledged.
create table outbound (
    lane smallint not null,
    channel_id bigint not null,
    account_id bigint not null,
    broadcast_id bigint not null default 0,
    run_at timestamptz not null default now(),
    id bigint not null,
    attempts smallint not null default 0,
    primary key (lane, channel_id, account_id, broadcast_id, run_at, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, fillfactor = 90);
call guard_tenant_table('outbound');

alter table jobs set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
alter table inbound set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create table dead_letters (
    account_id bigint not null,
    id bigint generated always as identity,
    queue text not null,
    key text,
    name text not null,
    args jsonb not null,
    actor text not null,
    cause text not null,
    depth smallint not null,
    attempts smallint not null,
    error text not null,
    failed_at timestamptz not null default now(),
    primary key (account_id, id)
);
call guard_tenant_table('dead_letters');

-- The outbox: written in the transaction of the change, deleted when the reactions are done.
create table events (
    account_id bigint not null,
    id bigint generated always as identity,
    type text not null,
    actor text not null,
    cause text not null,
    depth smallint not null,
    data jsonb not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index events_order on events (id);
call guard_tenant_table('events');

-- What signed-in browsers hear about, numbered after commit order by one sequencer.
create table live (
    account_id bigint not null,
    seq bigint generated always as identity,
    kind text not null,
    ids jsonb not null,
    created_at timestamptz not null default now(),
    primary key (account_id, seq)
);
create index live_order on live (seq);
call guard_tenant_table('live');

create table schedules (
    account_id bigint not null,
    name text not null,
    cron text not null,
    timezone text not null default 'UTC',
    job text not null,
    args jsonb not null default '[]',
    next_at timestamptz not null,
    primary key (account_id, name)
);
create index schedules_due on schedules (next_at);
call guard_tenant_table('schedules');

create table idempotency (
    account_id bigint not null,
    route text not null,
    key text not null,
    request_hash bytea not null,
    status smallint not null,
    headers jsonb not null default '{}',
    body bytea not null,
    created_at timestamptz not null default now(),
    primary key (account_id, route, key)
);
create index idempotency_age on idempotency (created_at);
call guard_tenant_table('idempotency');

-- Strict rate limits, exact over all processes. One row per bucket and key.
create table rate_windows (
    account_id bigint not null,
    bucket text not null,
    hits timestamptz[] not null,
    primary key (account_id, bucket)
);
call guard_tenant_table('rate_windows');

-- What happened and who did it. Rows are only ever added.
create table audit_log (
    account_id bigint not null,
    id bigint generated always as identity,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    subject text not null default '',
    ip inet,
    details jsonb not null default '{}',
    primary key (account_id, id)
);
call guard_tenant_table('audit_log', writable => false);

-- Who works here: read by the status page and by `doctor`.
create table workers (
    id uuid primary key,
    host text not null,
    pid integer not null,
    queues text[] not null,
    version text not null,
    started_at timestamptz not null default now(),
    seen_at timestamptz not null default now()
);
grant select, insert, update, delete on workers to trunkline_system;

create table installation (
    name text primary key,
    value jsonb not null
);
grant select, insert, update, delete on installation to trunkline_system;
grant select on installation to trunkline_app;

-- Counts that lists and reports show without counting: deltas are only added, so writers never wait for each
-- other; readers sum; a schedule squashes many rows into one.
create table tallies (
    account_id bigint not null,
    name text not null,
    id bigint generated always as identity,
    value bigint not null,
    primary key (account_id, name, id)
) with (autovacuum_vacuum_scale_factor = 0.05);
call guard_tenant_table('tallies');
