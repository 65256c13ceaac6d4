-- What the dashboard keeps for people: views, drafts, presence, second factors, invitations.

-- The inbox. A conversation rises to the top when somebody writes in it, and when the time it was put aside for is over.
alter table conversations add column woken_at timestamptz;
alter table conversations add column active_at timestamptz not null
    generated always as (coalesce(greatest(last_message_at, woken_at), created_at)) stored;
create index inbox_open on conversations (account_id, active_at desc, id desc)
    where deleted_at is null and status in ('open', 'pending');
create index inbox_assigned on conversations (account_id, assignee_id, active_at desc, id desc)
    where deleted_at is null and status in ('open', 'pending');
create index inbox_resting on conversations (account_id, status, active_at desc, id desc)
    where deleted_at is null and status in ('snoozed', 'closed', 'spam');

-- Searches that somebody keeps; without a user they are everybody's.
create table saved_views (
    account_id bigint not null,
    id bigint generated always as identity,
    user_id bigint,
    name text not null,
    query text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create index saved_views_user on saved_views (account_id, user_id);
call guard_tenant_table('saved_views');

-- What somebody began to write.
create table inbox_drafts (
    account_id bigint not null,
    user_id bigint not null,
    conversation_id bigint not null,
    kind text not null check (kind in ('reply', 'note')),
    content jsonb not null,
    updated_at timestamptz not null default now(),
    primary key (account_id, user_id, conversation_id)
);
call guard_tenant_table('inbox_drafts');

-- Who is called in a note; `seen_at` when they opened the conversation.
create table note_mentions (
    account_id bigint not null,
    user_id bigint not null,
    note_id bigint not null,
    conversation_id bigint not null,
    seen_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (account_id, user_id, note_id)
);
create index note_mentions_unseen on note_mentions (account_id, user_id, conversation_id) where seen_at is null;
call guard_tenant_table('note_mentions');

-- Who looks at a conversation or types in it right now. Forgotten with a crash: browsers say it again.
create unlogged table presences (
    account_id bigint not null,
    conversation_id bigint not null,
    user_id bigint not null,
    is_typing boolean not null default false,
    seen_at timestamptz not null default now(),
    primary key (account_id, conversation_id, user_id)
);
create index presences_seen on presences (seen_at);
call guard_tenant_table('presences');
