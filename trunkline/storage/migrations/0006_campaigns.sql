-- One message for many, and the credits that pay for it.

create table broadcasts (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    type text not null default 'broadcast' check (type in ('broadcast', 'drip', 'ab_test')),
    channel text not null check (channel in ('sms', 'email', 'whatsapp', 'voice')),
    channel_id bigint,
    pool boolean not null default false,
    subject text,
    preview_text text,
    body text not null default '',
    html text,
    template_id bigint,
    variables jsonb not null default '{}',
    audience jsonb not null default '{"type": "all"}',
    status text not null default 'draft' check (status in ('draft', 'scheduled', 'sending', 'paused',
        'sent', 'failed', 'canceled')),
    cursor bigint not null default 0,
    expanded boolean not null default false,
    total integer not null default 0,
    late_after interval,
    failure text,
    scheduled_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    created_by bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (account_id, id)
);
create unique index broadcasts_uuid on broadcasts (account_id, uuid);
create index broadcasts_latest on broadcasts (account_id, created_at desc, id desc) where deleted_at is null;
create index broadcasts_running on broadcasts (status) where status in ('sending', 'paused');
call guard_tenant_table('broadcasts');

-- Balances are a cache of the ledger, kept in the same transaction; the checks make overspending impossible.
create table balances (
    account_id bigint primary key references accounts (id),
    available bigint not null default 0 check (available >= 0),
    reserved bigint not null default 0 check (reserved >= 0)
);
call guard_tenant_table('balances');

-- Double entry: each row moves an amount from one book to another. Rows are only ever added.
create table ledger (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    source text not null check (source in ('granted', 'available', 'reserved', 'spent', 'agency')),
    target text not null check (target in ('granted', 'available', 'reserved', 'spent', 'agency')),
    amount bigint not null check (amount > 0),
    available bigint not null check (available >= 0),  -- what the account had left after this row
    reason text not null,
    reference text not null default '',
    description text not null default '',
    idempotency_key text,
    actor text not null,
    at timestamptz not null default now(),
    primary key (account_id, id),
    check (source <> target)
);
create unique index ledger_once on ledger (account_id, idempotency_key) where idempotency_key is not null;
call guard_tenant_table('ledger', writable => false);
