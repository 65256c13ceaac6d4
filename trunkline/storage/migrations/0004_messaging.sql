-- What is said, and through which channel.

create table channels (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    kind text not null,
    sends_as text not null check (sends_as in ('sms', 'email', 'whatsapp', 'voice', 'telegram', 'web_chat', 'custom')),
    name text not null,
    name_key text not null,
    address text not null,
    schemes text[] not null,
    config bytea not null,
    semantics text not null check (semantics in ('at_most_once', 'at_least_once')),
    rate real,
    is_default boolean not null default false,
    active boolean not null default true,
    trouble text,
    created_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (account_id, id),
    unique (id)
);
create unique index channels_uuid on channels (uuid);
create unique index channels_name on channels (account_id, name_key) where deleted_at is null;
alter table channels enable row level security;
alter table channels force row level security;
create policy tenant on channels to trunkline_app using (account_id = (select current_account()));
create policy pool on channels for select to trunkline_app using (account_id = 0);
create policy installation on channels to trunkline_system using (true);
grant select, insert, update, delete on channels to trunkline_app, trunkline_system;

-- Pace of a channel: the theoretical arrival time of its next message, and a pause asked for by the provider.
create table paces (
    channel_id bigint primary key,
    next_at timestamptz not null default now(),
    paused_until timestamptz
);
grant select, insert, update, delete on paces to trunkline_app, trunkline_system;

create table messages (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null default gen_random_uuid(),
    direction text not null check (direction in ('in', 'out')),
    status text not null check (status in ('queued', 'sending', 'errored', 'unknown', 'sent', 'delivered', 'read',
        'failed', 'canceled', 'received', 'handled')),
    lane smallint not null default 1,
    conversation_id bigint,
    contact_id bigint not null,
    channel_id bigint not null,
    scheme text not null,
    address text not null,
    kind text not null default 'text' check (kind in ('text', 'html', 'reaction', 'call')),
    body text,
    html text,
    subject text,
    attachments jsonb,
    quick_replies jsonb,
    variables jsonb,
    headers jsonb,
    template_id bigint,
    broadcast_id bigint,
    batch text,
    user_id bigint,
    segments smallint not null default 0,
    credits integer not null default 0,
    credit_state text not null default 'none' check (credit_state in ('none', 'reserved', 'captured', 'refunded')),
    external_id text,
    reason text,
    error text,
    provider_code text,
    attempts smallint not null default 0,
    metadata jsonb,
    created_at timestamptz not null default now(),
    scheduled_at timestamptz,
    expires_at timestamptz,
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    failed_at timestamptz,
    primary key (account_id, id)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
create unique index messages_received on messages (account_id, channel_id, external_id)
    where direction = 'in' and external_id is not null;
create index messages_reported on messages (channel_id, external_id)
    where direction = 'out' and external_id is not null;
create index messages_conversation on messages (account_id, conversation_id, id) where conversation_id is not null;
create index messages_contact on messages (account_id, contact_id, id);
create unique index messages_broadcast on messages (account_id, broadcast_id, contact_id)
    where broadcast_id is not null;
call guard_tenant_table('messages');

create table templates (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    key text not null,
    name text not null,
    channel text not null check (channel in ('sms', 'email', 'whatsapp', 'voice')),
    language text not null default 'en',
    category text not null default '',
    subject text,
    body text not null,
    variables text[] not null default '{}',
    status text not null default 'approved' check (status in ('pending', 'approved', 'rejected', 'paused', 'disabled')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, key, channel, language)
);
call guard_tenant_table('templates');

-- Every talk with a provider, secrets removed, pruned after a week.
create table channel_log (
    account_id bigint not null,
    id bigint generated always as identity,
    channel_id bigint not null,
    message_id bigint,
    kind text not null check (kind in ('send', 'receive', 'status')),
    request text not null default '',
    response text not null default '',
    code integer,
    error text,
    elapsed_ms real not null default 0,
    at timestamptz not null default now(),
    primary key (account_id, id)
);
create index channel_log_message on channel_log (account_id, message_id) where message_id is not null;
create index channel_log_age on channel_log (at);
call guard_tenant_table('channel_log');

-- The built-in carrier: what a simulator channel has accepted, numbered in commit order.
create table simulator_lines (
    channel_id bigint primary key,
    account_id bigint not null,
    seq bigint not null default 0
);
call guard_tenant_table('simulator_lines');

create table simulator_outbox (
    account_id bigint not null,
    channel_id bigint not null,
    seq bigint not null,
    external_id text not null,
    message_id bigint not null,
    recipient text not null,
    body text not null,
    subject text,
    html text,
    attachments jsonb not null default '[]',
    quick_replies jsonb not null default '[]',
    sent_at timestamptz not null default now(),
    primary key (account_id, channel_id, seq)
);
create index simulator_outbox_external on simulator_outbox (account_id, channel_id, external_id);
call guard_tenant_table('simulator_outbox');

create table media (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    key text not null,
    name text not null,
    content_type text not null,
    size bigint not null,
    sha256 bytea not null,
    created_by text not null default '',
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create unique index media_uuid on media (account_id, uuid);
call guard_tenant_table('media');
