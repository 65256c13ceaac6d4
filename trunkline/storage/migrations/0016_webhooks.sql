-- Webhooks: who wants to be told, what they are told, and how each try went.

-- `profile` names a set of events that may grow; without one, `events` are the very ones. `reason` says why we switched
-- it off. `failures` counts those since the last success; too many, and nothing goes there before `paused_until`.
create table webhook_endpoints (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    dialect text not null,
    url text not null,
    description text not null default '',
    profile text,
    events text[] not null default '{}',
    secret bytea not null,
    old_secret bytea,
    old_until timestamptz,
    active boolean not null default true,
    reason text check (reason in ('gone', 'failing')),
    failures integer not null default 0,
    failing_since timestamptz,
    paused_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (account_id, id),
    unique (id)
);
create index webhook_endpoints_listening on webhook_endpoints (account_id) where active and deleted_at is null;
call guard_tenant_table('webhook_endpoints');

-- What one endpoint is told of one event. `body` are the very bytes that are signed; `uuid` is the event's, the same
-- for all endpoints and all tries. `failed` is a dead letter: kept for a replay, pruned with the others.
create table webhook_deliveries (
    account_id bigint not null,
    id bigint generated always as identity,
    endpoint_id bigint not null,
    uuid uuid not null,
    event text not null,
    body text not null,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
    attempts integer not null default 0,
    code smallint,
    error text,
    next_at timestamptz default now(),
    created_at timestamptz not null default now(),
    settled_at timestamptz,
    primary key (account_id, id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create index webhook_deliveries_endpoint on webhook_deliveries (account_id, endpoint_id, id);
create index webhook_deliveries_age on webhook_deliveries (created_at);
call guard_tenant_table('webhook_deliveries');

create table webhook_attempts (
    account_id bigint not null,
    delivery_id bigint not null,
    id bigint generated always as identity,
    code smallint,
    elapsed_ms integer not null,
    answer text not null default '',
    error text,
    at timestamptz not null default now(),
    primary key (account_id, delivery_id, id)
);
call guard_tenant_table('webhook_attempts');

-- The queue: one row for each pending delivery. A claim pushes run_at forward as its lease; `attempts` is the fence.
create table webhooks (
    account_id bigint not null,
    endpoint_id bigint not null,
    id bigint not null,
    run_at timestamptz not null default now(),
    attempts smallint not null default 0,
    primary key (account_id, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, fillfactor = 90);
create index webhooks_due on webhooks (endpoint_id, run_at, id);
call guard_tenant_table('webhooks');
