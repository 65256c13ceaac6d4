-- Chat windows on web sites and their visitors.

-- One row for each browser that talked to us, and one for each user whom a site vouched for. `key` is the digest of what
-- an anonymous browser keeps to itself; `user_id` is the site's own name for somebody, set only with a proof. Nobody
-- has both: what a proof opened, a key must not. `address` is the path of the contact's webchat URN. `seq` numbers the
-- visitor's stream: its row is locked until the commit, so that numbers and commits agree and a resumed stream misses
-- nothing. An anonymous visitor who turned out to be a known user is `merged_into` that one.
create table chat_visitors (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    channel_id bigint not null,
    key bytea,
    user_id text,
    address text not null,
    email text,
    facts jsonb not null default '{}',
    assistant_id bigint,
    seq bigint not null default 0,
    read_seq bigint not null default 0,
    merged_into bigint,
    created_at timestamptz not null default now(),
    seen_at timestamptz not null default now(),
    primary key (account_id, id),
    check (key is null or user_id is null)
) with (fillfactor = 80);
create unique index chat_visitors_key on chat_visitors (account_id, channel_id, key) where key is not null;
create unique index chat_visitors_user on chat_visitors (account_id, channel_id, user_id) where user_id is not null;
create unique index chat_visitors_address on chat_visitors (account_id, channel_id, address);
create index chat_visitors_silent on chat_visitors (seen_at) where seq = 0;
call guard_tenant_table('chat_visitors');

-- A visitor's stream: which message stands at which number. What it says is in `messages`.
create table chat_entries (
    account_id bigint not null,
    visitor_id bigint not null,
    seq bigint not null,
    message_id bigint not null,
    primary key (account_id, visitor_id, seq)
);
create unique index chat_entries_message on chat_entries (account_id, message_id);
call guard_tenant_table('chat_entries');
