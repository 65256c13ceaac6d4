-- Assistants that answer by themselves, and what they did.

-- `keywords` are folded as search folds words. `categories` are those of the knowledge base that it answers from; none
-- are all. It answers `wait_seconds` after the last message, `most_seconds` after the first one at the latest.
create table assistants (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    instructions text not null default '',
    tone text not null default 'professional' check (tone in ('professional', 'friendly', 'concise')),
    keywords text[] not null default '{}',
    categories text[] not null default '{}',
    is_default boolean not null default false,
    is_active boolean not null default true,
    handover_text text not null default '',
    wait_seconds integer not null default 4 check (wait_seconds between 0 and 300),
    most_seconds integer not null default 20 check (most_seconds >= wait_seconds and most_seconds <= 900),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (account_id, id)
);
create unique index assistants_uuid on assistants (account_id, uuid);
create unique index assistants_name on assistants (account_id, name_key) where deleted_at is null;
create unique index assistants_default on assistants (account_id) where is_default and deleted_at is null;
call guard_tenant_table('assistants');

-- How an assistant stands in a conversation. `covered` is the last inbound message that a turn has dealt with.
-- `waiting_since` says that a turn is enqueued which has not begun; it shall begin at `due_at`. While `paused_at` is set
-- people look after the conversation. What colleagues wrote up to `resumed_after` pauses nothing any more.
create table assistant_talks (
    account_id bigint not null,
    conversation_id bigint not null,
    assistant_id bigint,
    covered bigint not null default 0,
    resumed_after bigint not null default 0,
    waiting_since timestamptz,
    due_at timestamptz,
    paused_at timestamptz,
    reason text,
    primary key (account_id, conversation_id)
);
call guard_tenant_table('assistant_talks');

-- One answer to the messages `first_message` to `last_message`, or why there was none. There is one running turn of a
-- conversation at most, whoever takes it up; `call_id` is under which number it is paid (ai_calls, ledger).
create table assistant_turns (
    account_id bigint not null,
    id bigint generated always as identity,
    conversation_id bigint not null,
    assistant_id bigint not null,
    first_message bigint not null,
    last_message bigint not null,
    messages_count integer not null,
    outcome text not null default 'running'
        check (outcome in ('running', 'answered', 'handed_over', 'no_credits', 'left')),
    reason text,
    tries smallint not null default 0,
    call_id bigint,
    reply_id bigint,
    model text,
    sources jsonb not null default '[]',
    confidence real,
    tokens_in integer not null default 0,
    tokens_out integer not null default 0,
    started_at timestamptz not null default now(),
    ended_at timestamptz,
    primary key (account_id, id)
);
create unique index assistant_turns_running on assistant_turns (account_id, conversation_id) where outcome = 'running';
create index assistant_turns_conversation on assistant_turns (account_id, conversation_id, id desc);
call guard_tenant_table('assistant_turns');

-- Here while assistants of an account rest because nothing is left to pay with, so that this is told once.
create table assistant_rests (
    account_id bigint not null primary key,
    since timestamptz not null default now()
);
call guard_tenant_table('assistant_rests');

alter table conversations
    add column summary text,
    add column summarised_at timestamptz;

alter table ai_calls drop constraint ai_calls_kind_check;
alter table ai_calls add constraint ai_calls_kind_check check (kind in ('reply', 'sentiment', 'flow', 'summary'));
