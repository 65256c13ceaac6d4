-- Chat sessions: the stretches of a conversation between its opening and its closing.

-- Kept by triggers, so that whoever closes or opens a conversation need not think of it. `since` is the end of the
-- session before: the message that opens a conversation again is a little older than the new session.
create table chat_sessions (
    account_id bigint not null,
    id bigint generated always as identity,
    conversation_id bigint not null,
    contact_id bigint not null,
    since timestamptz,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    primary key (account_id, id)
);
create unique index chat_sessions_open on chat_sessions (account_id, conversation_id) where ended_at is null;
create index chat_sessions_conversation on chat_sessions (account_id, conversation_id, id);
create index chat_sessions_contact on chat_sessions (account_id, contact_id, id);
create index chat_sessions_ended on chat_sessions (account_id, ended_at) where ended_at is not null;
call guard_tenant_table('chat_sessions');

create function begin_chat_sessions() returns trigger language plpgsql as $$
begin
    insert into chat_sessions (account_id, conversation_id, contact_id, started_at)
    select account_id, id, contact_id, created_at from new_rows
    where status not in ('closed', 'spam') and deleted_at is null;
    return null;
end $$;
create trigger begin_chat_sessions after insert on conversations
    referencing new table as new_rows for each statement execute function begin_chat_sessions();

create function turn_chat_session() returns trigger language plpgsql as $$
declare
    was_open boolean := old.status not in ('closed', 'spam') and old.deleted_at is null;
    is_open boolean := new.status not in ('closed', 'spam') and new.deleted_at is null;
begin
    if was_open and not is_open then
        update chat_sessions set ended_at = now()
        where account_id = new.account_id and conversation_id = new.id and ended_at is null;
    elsif is_open and not was_open then
        insert into chat_sessions (account_id, conversation_id, contact_id, since)
        values (new.account_id, new.id, new.contact_id, (
            select max(s.ended_at) from chat_sessions s
            where s.account_id = new.account_id and s.conversation_id = new.id));
    end if;
    return null;
end $$;
create trigger turn_chat_session after update on conversations
    for each row when (old.status is distinct from new.status or old.deleted_at is distinct from new.deleted_at)
    execute function turn_chat_session();

-- Of conversations that were opened again before, the last session is all that can be told: it goes back to the start.
insert into chat_sessions (account_id, conversation_id, contact_id, started_at, ended_at)
select account_id, id, contact_id, created_at,
    case when status in ('closed', 'spam') then coalesce(resolved_at, updated_at) end
from conversations where deleted_at is null;
