-- What is done to many contacts at once. The people are the `chosen` ones, or whom the `filter` leaves of the contacts up
-- to `highest`, the newest one of that moment. `place` is the last contact that was looked at, so that a worker that dies
-- loses nothing; taking an action back walks once more. `expected` is how many there are to look at.
create table bulk_actions (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    kind text not null check (kind in ('tag', 'join', 'leave', 'delete')),
    target_id bigint,
    target text not null default '',
    filter jsonb not null default '{}',
    chosen bigint[],
    highest bigint not null,
    place bigint not null default 0,
    expected integer not null,
    looked integer not null default 0,
    changed integer not null default 0,
    restored integer not null default 0,
    status text not null default 'running'
        check (status in ('running', 'stopped', 'done', 'failed', 'undoing', 'undone')),
    problem text,
    actor text not null,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    primary key (account_id, id)
);
call guard_tenant_table('bulk_actions');

-- Whom an action has changed: nobody else is changed when it is taken back.
create table bulk_marks (
    account_id bigint not null,
    action_id bigint not null,
    contact_id bigint not null,
    primary key (account_id, action_id, contact_id)
);
call guard_tenant_table('bulk_marks');
