-- AI: what counts against an account's caps, and what is under way. What was used on which day is in `daily`.

-- Spent, and put aside for calls that are under way. Cost is in millionths of what the operator's prices are in.
create table ai_months (
    account_id bigint not null,
    month date not null,
    tokens bigint not null default 0,
    cost bigint not null default 0,
    primary key (account_id, month)
);
call guard_tenant_table('ai_months');

-- A row for each call that is under way, with what was put aside for it. One that stays was cut off by a crash.
create table ai_calls (
    account_id bigint not null,
    id bigint generated always as identity,
    kind text not null check (kind in ('reply', 'sentiment', 'flow')),
    provider text not null,
    month date not null,
    tokens bigint not null,
    cost bigint not null,
    credits bigint not null,
    started_at timestamptz not null default now(),
    primary key (account_id, id)
);
create index ai_calls_started on ai_calls (started_at);
call guard_tenant_table('ai_calls');
