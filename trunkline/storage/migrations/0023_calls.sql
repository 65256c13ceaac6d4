-- Telephone calls.

-- What a message has in addition when it is spoken on the telephone; `id` is the message's. `channel_id` may be the
-- operator's. `status` moves one way only, and `timeline` says when: objects of status and at.
create table calls (
    account_id bigint not null,
    id bigint not null,
    contact_id bigint not null,
    channel_id bigint not null,
    address text not null,
    status text not null check (status in ('queued', 'initiated', 'ringing', 'in_progress', 'completed', 'busy',
        'no_answer', 'failed', 'canceled')),
    reason text,
    error text,
    provider_code text,
    seconds integer,
    webhook_url text,
    timeline jsonb not null default '[]',
    created_at timestamptz not null default now(),
    answered_at timestamptz,
    ended_at timestamptz,
    primary key (account_id, id)
);
create index calls_contact on calls (account_id, contact_id, id);
call guard_tenant_table('calls');
create index calls_open on calls (account_id, channel_id, address) where ended_at is null;

-- Keys that were pressed in a call on a simulator; the worker that leads the call takes them within a moment.
create table simulator_keys (
    account_id bigint not null,
    id bigint generated always as identity,
    call_id bigint not null,
    keys text not null,
    hangs_up boolean not null default false,
    primary key (account_id, id)
);
create index simulator_keys_call on simulator_keys (account_id, call_id);
call guard_tenant_table('simulator_keys');

-- Calls in which a voice flow talks; `id` is the call's. `trigger` is what begins the flow when somebody picks up, and
-- `session` what it began: it is set once, so that no call begins a flow twice.
create table flow_calls (
    account_id bigint not null,
    id bigint not null,
    contact_id bigint not null,
    flow_id bigint not null,
    start_id bigint,
    trigger jsonb not null,
    depth integer not null default 0,
    session uuid,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create index flow_calls_start on flow_calls (account_id, start_id) where start_id is not null;
call guard_tenant_table('flow_calls');
