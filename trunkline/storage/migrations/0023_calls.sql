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
