-- People answering people.

create table topics (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, name_key)
);
call guard_tenant_table('topics');

create table conversations (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    contact_id bigint not null,
    channel_id bigint not null,
    channel text not null,
    thread text not null default '',
    status text not null default 'open' check (status in ('open', 'pending', 'snoozed', 'closed', 'spam')),
    priority text not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
    subject text,
    preview text not null default '',
    sentiment text,
    assignee_id bigint,
    topic_id bigint,
    is_starred boolean not null default false,
    is_pinned boolean not null default false,
    is_read boolean not null default false,
    is_ai_handled boolean not null default false,
    is_ticket boolean not null default false,
    messages_count integer not null default 0,
    ai_replies_count integer not null default 0,
    visitor jsonb,
    snoozed_until timestamptz,
    first_response_at timestamptz,
    resolved_at timestamptz,
    last_message_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (account_id, id)
);
create unique index conversations_uuid on conversations (account_id, uuid);
create unique index conversations_living on conversations (account_id, contact_id, channel_id, thread)
    where deleted_at is null;
create index conversations_latest on conversations (account_id, last_message_at desc nulls last, id desc)
    where deleted_at is null;
create index conversations_open on conversations (account_id, status, last_message_at desc nulls last, id desc)
    where deleted_at is null;
create index conversations_assigned on conversations (account_id, assignee_id, last_message_at desc nulls last, id desc)
    where deleted_at is null;
create index conversations_snoozed on conversations (snoozed_until) where status = 'snoozed';
call guard_tenant_table('conversations');

create table conversation_tags (
    account_id bigint not null,
    tag_id bigint not null,
    conversation_id bigint not null,
    primary key (account_id, tag_id, conversation_id)
);
create index conversation_tags_conversation on conversation_tags (account_id, conversation_id);
call guard_tenant_table('conversation_tags');

create table notes (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    conversation_id bigint not null,
    user_id bigint,
    body text not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create index notes_conversation on notes (account_id, conversation_id, id);
call guard_tenant_table('notes');

create table canned_responses (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    title text not null,
    shortcut text,
    body text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (account_id, id)
);
create unique index canned_responses_shortcut on canned_responses (account_id, shortcut) where shortcut is not null;
call guard_tenant_table('canned_responses');

create function tally_conversations() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'conversations:' || status, count(*)
        from new_rows where deleted_at is null group by account_id, status;
    else
        insert into tallies (account_id, name, value)
        select account_id, 'conversations:' || status, sum(value) from (
            select n.account_id, n.status, 1 as value from new_rows n where n.deleted_at is null
            union all
            select o.account_id, o.status, -1 from old_rows o where o.deleted_at is null
        ) changes group by account_id, status having sum(value) <> 0;
    end if;
    return null;
end $$;
create trigger tally_insert after insert on conversations
    referencing new table as new_rows for each statement execute function tally_conversations();
create trigger tally_update after update on conversations
    referencing new table as new_rows old table as old_rows for each statement execute function tally_conversations();
