-- Drip campaigns: letters that a group's contacts get some time after they joined, or around a date of theirs.

-- Since when somebody is in a group. Of those who are in one already it says when this began to be noted.
alter table group_members add column joined_at timestamptz not null default now();

-- A drip campaign is a row of its own that owns a sequence. Each letter of it is a row too, of the type `letter`, so
-- that preparing, tracking, pausing and counting need to know one thing only; letters stand in no list. `point_id` is
-- the point that it belongs to; a letter that was sent is never rewritten, its point gets another one.
alter table broadcasts drop constraint broadcasts_type_check;
alter table broadcasts
    add column drip_id bigint,
    add column point_id bigint,
    add constraint broadcasts_type_check check (type in ('broadcast', 'drip', 'ab_test', 'letter')),
    add constraint broadcasts_letter_check check ((type = 'letter') = (drip_id is not null));
create index broadcasts_letters on broadcasts (account_id, drip_id, point_id) where drip_id is not null;

-- `broadcast_id` is the drip campaign that a sequence belongs to. Who was a member before counts as joined then.
alter table sequences
    add column broadcast_id bigint,
    add column activated_at timestamptz;
create unique index sequences_owner on sequences (account_id, broadcast_id) where broadcast_id is not null;

-- Since when a point's time is what it is: nothing that was due before is made up for.
alter table sequence_points
    add column letter_id bigint,
    add column live_since timestamptz not null default now(),
    drop constraint sequence_points_check,
    add constraint sequence_points_check check (num_nonnulls(flow_id, message, letter_id) = 1);

-- Which moments of letters have come: each once, whatever is worked out again or done twice.
create table sequence_letters (
    account_id bigint not null,
    point_id bigint not null,
    contact_id bigint not null,
    due_at timestamptz not null,
    primary key (account_id, point_id, contact_id, due_at)
);
call guard_tenant_table('sequence_letters');

-- A letter may come again when its date moves, but once for each moment; other campaigns have no moments.
drop index messages_broadcast;
create unique index messages_broadcast on messages (account_id, broadcast_id, contact_id, scheduled_at)
    nulls not distinct where broadcast_id is not null;

-- Letters are no campaigns of their own.
create or replace function tally_broadcasts() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'campaigns', count(*) from new_rows
        where deleted_at is null and type <> 'letter' group by account_id;
    else
        insert into tallies (account_id, name, value)
        select account_id, 'campaigns', sum(living) from (
            select account_id, (deleted_at is null)::int as living from new_rows where type <> 'letter'
            union all
            select account_id, -(deleted_at is null)::int from old_rows where type <> 'letter'
        ) changes group by account_id having sum(living) <> 0;
    end if;
    return null;
end $$;
