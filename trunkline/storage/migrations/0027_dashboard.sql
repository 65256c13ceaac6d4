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

-- What is searched for in the inbox.
create index conversations_words on conversations using gin (account_id, (coalesce(subject, '') || ' ' || preview) gin_trgm_ops)
    where deleted_at is null;
create index messages_files on messages (account_id, conversation_id)
    where attachments is not null and conversation_id is not null;

-- Up to `most` conversations of the current account whose subject or last words are like the pattern. Row-level
-- security would keep the index from being used, so the function looks past it and names the account itself.
create function search_conversations(account_id bigint, pattern text, most integer)
returns setof bigint language plpgsql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $$
begin
    if account_id is distinct from current_account() then
        return;
    end if;
    return query
        select c.id from conversations c
        where c.account_id = search_conversations.account_id and c.deleted_at is null
            and (coalesce(c.subject, '') || ' ' || c.preview) ilike pattern limit most;
end $$;
grant create on schema public to trunkline_system;
alter function search_conversations owner to trunkline_system;
revoke create on schema public from trunkline_system;
revoke execute on function search_conversations from public;
grant execute on function search_conversations to trunkline_app;

-- Signing in: second factors, and the links that people get by mail. Of what is shown once only digests are kept.

-- Not asked for before it is confirmed by a first code. `last_step` is that of the last code taken: each is good once.
create table second_factors (
    user_id bigint primary key references users (id),
    secret bytea not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0,
    created_at timestamptz not null default now()
);
grant select, insert, update, delete on second_factors to trunkline_system;

create table recovery_codes (
    user_id bigint not null references users (id),
    digest bytea not null,
    used_at timestamptz,
    primary key (user_id, digest)
);
grant select, insert, update, delete on recovery_codes to trunkline_system;

create table password_resets (
    digest bytea primary key,
    user_id bigint not null references users (id),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index password_resets_user on password_resets (user_id);
grant select, insert, delete on password_resets to trunkline_system;

create table invitations (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    digest bytea not null unique,
    email text not null,
    role text not null check (role in ('owner', 'admin', 'editor', 'agent', 'viewer')),
    invited_by bigint not null references users (id),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked_at timestamptz,
    primary key (account_id, id)
);
create unique index invitations_open on invitations (account_id, email)
    where accepted_at is null and revoked_at is null;
call guard_tenant_table('invitations');

-- Reading the audit log by what was done or by whom, and the channel log by channel.
create index audit_log_action on audit_log (account_id, action text_pattern_ops, id);
create index audit_log_actor on audit_log (account_id, actor, id);
create index channel_log_channel on channel_log (account_id, channel_id, id);

-- A spreadsheet of contacts on its way in. `columns` says what each column is ('' is left out), `options` who they join.
-- A `checking` one writes nothing. `report` counts rows and contacts and tells what is wrong with some.
create table contact_imports (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    file_key text not null,
    file_name text not null,
    header text[] not null,
    sample jsonb not null,
    columns text[] not null,
    options jsonb not null default '{}',
    status text not null default 'new' check (status in ('new', 'checking', 'checked', 'running', 'done', 'failed')),
    rows_done integer not null default 0,
    report jsonb,
    problem text,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    primary key (account_id, id)
);
call guard_tenant_table('contact_imports');

-- Campaigns: when somebody wanted no more of a broadcast.
alter table engagements add column unsubscribed_at timestamptz;

-- The phone wall: people at the other end of simulator channels, played by members of the workspace.
create table wall_phones (
    account_id bigint not null,
    id bigint generated always as identity,
    channel_id bigint not null,
    scheme text not null,
    path text not null,
    name text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create unique index wall_phones_address on wall_phones (account_id, channel_id, scheme, path);
call guard_tenant_table('wall_phones');

-- The board of the pipeline: the first companies of each stage.
create index companies_stage on companies (account_id, stage_id, position, id)
    where deleted_at is null and stage_id is not null;
