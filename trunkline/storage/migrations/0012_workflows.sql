-- Workflows: a canvas of steps that an event sets going, once for each contact it is about.

-- `canvas` is as it was drawn. `trigger` and `trigger_config` are those of its trigger, which reactions look for.
-- `hook` is the secret part of the address by which others set the workflow going.
create table workflows (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    description text,
    status text not null default 'draft' check (status in ('draft', 'active', 'paused')),
    trigger text,
    trigger_config jsonb not null default '{}',
    version integer not null default 1,
    canvas jsonb not null default '{}',
    nodes_count integer not null default 0,
    hook text,
    created_by bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (account_id, id)
);
create unique index workflows_uuid on workflows (account_id, uuid);
create unique index workflows_hook on workflows (hook) where hook is not null;
create index workflows_listening on workflows (account_id, trigger) where status = 'active' and deleted_at is null;
call guard_tenant_table('workflows');

-- A version that was ever at work. Who began with it ends with it, however the canvas is drawn meanwhile.
create table workflow_versions (
    account_id bigint not null,
    workflow_id bigint not null,
    version integer not null,
    canvas jsonb not null,
    created_at timestamptz not null default now(),
    primary key (account_id, workflow_id, version)
);
call guard_tenant_table('workflow_versions');

-- `key` says what set it going, so that no event does so twice. `frontier` holds the steps whose turn it is, each with
-- the moment before which it is not; null before the first step. `context` is what steps may speak of.
create table workflow_executions (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    workflow_id bigint not null,
    version integer not null,
    contact_id bigint,
    key text not null,
    depth smallint not null default 0,
    status text not null default 'running'
        check (status in ('running', 'waiting', 'parked', 'completed', 'failed', 'canceled')),
    context jsonb not null default '{}',
    frontier jsonb,
    error text,
    started_at timestamptz not null default now(),
    completed_at timestamptz,
    primary key (account_id, id)
);
create unique index workflow_executions_key on workflow_executions (account_id, workflow_id, key);
create index workflow_executions_latest on workflow_executions (account_id, workflow_id, id desc);
create index workflow_executions_parked on workflow_executions (account_id, workflow_id, id)
    where status in ('parked', 'waiting');
create index workflow_executions_contact on workflow_executions (account_id, contact_id) where contact_id is not null;
call guard_tenant_table('workflow_executions');

-- What each step of an execution came to. The key makes sure that no step is done twice.
create table workflow_steps (
    account_id bigint not null,
    execution_id bigint not null,
    node text not null,
    position smallint not null,
    subtype text not null,
    status text not null check (status in ('completed', 'skipped', 'failed', 'retrying')),
    attempts smallint not null default 1,
    note text,
    error text,
    duration_ms integer not null default 0,
    at timestamptz not null default now(),
    primary key (account_id, execution_id, node)
);
call guard_tenant_table('workflow_steps');

-- Whose turn it was last, where a workflow assigns in turn.
create table workflow_turns (
    account_id bigint not null,
    workflow_id bigint not null,
    node text not null,
    user_id bigint not null,
    primary key (account_id, workflow_id, node)
);
call guard_tenant_table('workflow_turns');

-- What colleagues are told in the dashboard; `user_id` null is for everybody.
create table notices (
    account_id bigint not null,
    id bigint generated always as identity,
    user_id bigint,
    title text not null,
    body text not null,
    icon text,
    action_url text,
    created_at timestamptz not null default now(),
    read_at timestamptz,
    primary key (account_id, id)
);
create index notices_user on notices (account_id, user_id, id desc);
call guard_tenant_table('notices');

create table calendar_events (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    contact_id bigint,
    summary text not null,
    description text,
    location text,
    timezone text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    attendees text[] not null default '{}',
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create unique index calendar_events_uuid on calendar_events (account_id, uuid);
create index calendar_events_contact on calendar_events (account_id, contact_id, starts_at)
    where contact_id is not null;
call guard_tenant_table('calendar_events');

-- Addresses that one mail of a workflow links to; mails of broadcasts share theirs (broadcast_links).
create table mail_links (
    account_id bigint not null,
    message_id bigint not null,
    number smallint not null check (number > 0),
    url text not null,
    primary key (account_id, message_id, number)
);
call guard_tenant_table('mail_links');

create function tally_executions() returns trigger language plpgsql as $$
begin
    insert into tallies (account_id, name, value)
    select account_id, 'workflow:' || workflow_id, count(*) from new_rows group by account_id, workflow_id;
    return null;
end $$;
create trigger tally_insert after insert on workflow_executions
    referencing new table as new_rows for each statement execute function tally_executions();
