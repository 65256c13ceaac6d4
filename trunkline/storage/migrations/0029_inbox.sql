-- The inbox: what each colleague wants of it, how work is shared out, macros, and a search in what was said.

-- Since when the contact waits for a person's answer; null when nobody waits.
alter table conversations add column waiting_since timestamptz;
create index inbox_waiting on conversations (account_id, waiting_since)
    where waiting_since is not null and deleted_at is null and status in ('open', 'pending');
update conversations c set waiting_since = (
    select min(m.created_at) from messages m
    where m.account_id = c.account_id and m.conversation_id = c.id and m.direction = 'in' and m.id > coalesce((
        select max(o.id) from messages o
        where o.account_id = c.account_id and o.conversation_id = c.id and o.direction = 'out'
            and o.user_id is not null), 0)
) where c.status in ('open', 'pending') and c.deleted_at is null;

-- Files of ours that go out with a canned response.
alter table canned_responses add column files uuid[] not null default '{}';

-- What a colleague wants of the inbox. `keys` are their own, by what they do. Who is away is given nothing by itself;
-- `given_at` is when that happened last.
create table inbox_members (
    account_id bigint not null,
    user_id bigint not null,
    signature text not null default '',
    keys jsonb not null default '{}',
    quiet_from text not null default '',
    quiet_until text not null default '',
    is_away boolean not null default false,
    given_at timestamptz,
    primary key (account_id, user_id)
);
call guard_tenant_table('inbox_members');

-- Who is given a new conversation, and one that opens again after it was closed. `capacity` is how many open ones
-- somebody is given at most; `returns` prefers whoever had the contact last.
create table inbox_rules (
    account_id bigint primary key references accounts (id),
    assigns text not null default 'nobody' check (assigns in ('nobody', 'turns', 'least')),
    reopened text not null default 'same' check (reopened in ('same', 'again', 'nobody')),
    returns boolean not null default false,
    capacity integer not null default 20 check (capacity between 1 and 1000),
    updated_at timestamptz not null default now()
);
call guard_tenant_table('inbox_rules');

-- Conversations that nobody had room for, first come first served.
create table inbox_queue (
    account_id bigint not null,
    id bigint generated always as identity,
    conversation_id bigint not null,
    since timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, conversation_id)
);
call guard_tenant_table('inbox_queue');

-- Several steps under one name; without a user they are everybody's.
create table macros (
    account_id bigint not null,
    id bigint generated always as identity,
    user_id bigint,
    name text not null,
    steps jsonb not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create index macros_user on macros (account_id, user_id);
call guard_tenant_table('macros');

-- Who answers a conversation right now; others see it and may take over. Forgotten with a crash, like all presence.
alter table presences add column held_since timestamptz;
alter table presences add column typed_at timestamptz;

-- The words of what was said in conversations. A table beside the messages: broadcasts never enter it, and a change of
-- a message's text needs no index of the messages.
create table message_words (
    account_id bigint not null,
    message_id bigint not null,
    conversation_id bigint not null,
    words tsvector not null,
    primary key (account_id, message_id)
);
create index message_words_words on message_words using gin (account_id, words);
call guard_tenant_table('message_words');
insert into message_words (account_id, message_id, conversation_id, words)
select account_id, id, conversation_id, to_tsvector('simple', left(body, 20000)) from messages
where conversation_id is not null and body <> '' and visibility <> 'deleted';

-- What is deleted or archived is found no more.
create function forget_message_words() returns trigger language plpgsql as $$
begin
    delete from message_words where account_id = old.account_id and message_id = old.id;
    return null;
end $$;
create trigger forget_words_of_hidden after update of visibility on messages
    for each row when (new.visibility = 'deleted' and old.visibility is distinct from new.visibility)
    execute function forget_message_words();
create function forget_words_of_gone() returns trigger language plpgsql as $$
begin
    delete from message_words w using old_rows o where w.account_id = o.account_id and w.message_id = o.id;
    return null;
end $$;
create trigger forget_words_of_gone after delete on messages
    referencing old table as old_rows for each statement execute function forget_words_of_gone();

-- Up to `most` conversations of the current account in which these words were said. Row-level security would keep the
-- index from being used, so the function looks past it and names the account itself. Of words that are said all the
-- time only some places are looked at: finding all of them would take seconds and help nobody.
create function search_messages(account_id bigint, wanted text, most integer)
returns setof bigint language plpgsql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan set gin_fuzzy_search_limit = 20000 as $$
begin
    if account_id is distinct from current_account() then
        return;
    end if;
    return query
        select distinct w.conversation_id from message_words w
        where w.account_id = search_messages.account_id and w.words @@ to_tsquery('simple', wanted)
        limit most;
end $$;
grant create on schema public to trunkline_system;
alter function search_messages owner to trunkline_system;
revoke create on schema public from trunkline_system;
revoke execute on function search_messages from public;
grant execute on function search_messages to trunkline_app;
