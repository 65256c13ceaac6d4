-- Reports: what happened on which day, as deltas that are written with the fact, and more live totals.

-- `day` is the day in the account's own zone when it happened; `subject` is the kind of channel, or the user's id in
-- names that end with `_by`. Like tallies: rows are only added, readers sum, a schedule squashes. A report reads one
-- range of days for each name.
create table daily (
    account_id bigint not null,
    name text not null,
    day date not null,
    subject text not null default '',
    id bigint generated always as identity,
    value bigint not null,
    primary key (account_id, name, day, subject, id)
) with (autovacuum_vacuum_scale_factor = 0.05);
create index daily_day on daily (day);
call guard_tenant_table('daily');

-- The day of a moment where the account is at home; of UTC for a zone that the database does not know.
create function account_day(account bigint, moment timestamptz) returns date language plpgsql stable as $$
begin
    return (moment at time zone coalesce((select timezone from accounts where id = account), 'UTC'))::date;
exception when invalid_parameter_value then
    return (moment at time zone 'UTC')::date;
end $$;

create or replace function tally_contacts() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, t.name, t.value from (
            select account_id, count(*) as living, count(*) filter (where status = 'active') as active
            from new_rows where deleted_at is null group by account_id
        ) n cross join lateral (values ('contacts', living), ('contacts:active', active)) as t (name, value)
        where t.value <> 0;
        insert into daily (account_id, name, day, value)
        select account_id, 'contacts.created', account_day(account_id, created_at), sum(number) from (
            select account_id, created_at, count(*) as number from new_rows group by account_id, created_at
        ) born group by 1, 3;
    elsif tg_op = 'UPDATE' then
        insert into tallies (account_id, name, value)
        -- No join: its plan would be made for the first, small change and kept for the large ones.
        select account_id, t.name, t.value from (
            select account_id, sum(living) as living, sum(active) as active from (
                select account_id, (deleted_at is null)::int as living,
                    (deleted_at is null and status = 'active')::int as active from new_rows
                union all
                select account_id, -(deleted_at is null)::int,
                    -(deleted_at is null and status = 'active')::int from old_rows
            ) changes group by account_id
        ) n cross join lateral (values ('contacts', living), ('contacts:active', active)) as t (name, value)
        where t.value <> 0;
    else
        insert into tallies (account_id, name, value)
        select account_id, t.name, -t.value from (
            select account_id, count(*) as living, count(*) filter (where status = 'active') as active
            from old_rows where deleted_at is null group by account_id
        ) n cross join lateral (values ('contacts', living), ('contacts:active', active)) as t (name, value)
        where t.value <> 0;
    end if;
    return null;
end $$;

-- `closed_on` and `answered_on` are the days under which a closing and a first answer are counted: they stay as they
-- are when the account moves to another zone. A first answer is a person's, to somebody who wrote; who gave it is
-- `first_response_by`. What is opened again was not closed: its closing is taken back.
alter table conversations
    add column first_response_by bigint,
    add column answered_on date,
    add column closed_on date;

create function date_conversation() returns trigger language plpgsql as $$
begin
    if new.resolved_at is distinct from old.resolved_at then
        new.closed_on := account_day(new.account_id, new.resolved_at);
    end if;
    if old.first_response_at is null and new.first_response_at is not null and exists (
        select from messages m where m.account_id = new.account_id and m.conversation_id = new.id and m.direction = 'in'
    ) then
        new.answered_on := account_day(new.account_id, new.first_response_at);
    end if;
    return new;
end $$;
create trigger date_conversation before update of resolved_at, first_response_at on conversations
    for each row when (new.resolved_at is distinct from old.resolved_at
        or new.first_response_at is distinct from old.first_response_at) execute function date_conversation();

-- Seconds from the beginning of a conversation, never less than none: the clocks of two machines differ a little.
create function seconds_between(beginning timestamptz, ending timestamptz) returns bigint
language sql immutable parallel safe
    return greatest(0, round(extract(epoch from ending - beginning)))::bigint;

create function count_conversation() returns trigger language plpgsql as $$
begin
    insert into daily (account_id, name, day, subject, value)
    select new.account_id, c.name, f.day, c.subject, sum(f.value) from (values
        ('conversations.closed', old.closed_on, old.assignee_id, -1),
        ('conversations.closed', new.closed_on, new.assignee_id, 1),
        ('conversations.closed_seconds', old.closed_on, old.assignee_id,
            -seconds_between(old.created_at, old.resolved_at)),
        ('conversations.closed_seconds', new.closed_on, new.assignee_id,
            seconds_between(new.created_at, new.resolved_at)),
        ('conversations.answered', old.answered_on, old.first_response_by, -1),
        ('conversations.answered', new.answered_on, new.first_response_by, 1),
        ('conversations.answered_seconds', old.answered_on, old.first_response_by,
            -seconds_between(old.created_at, old.first_response_at)),
        ('conversations.answered_seconds', new.answered_on, new.first_response_by,
            seconds_between(new.created_at, new.first_response_at))
    ) as f (name, day, by_user, value)
    cross join lateral (values (f.name, ''), (f.name || '_by', f.by_user::text)) as c (name, subject)
    where f.day is not null and c.subject is not null group by c.name, f.day, c.subject having sum(f.value) <> 0;
    if new.is_ai_handled and not old.is_ai_handled then
        insert into daily (account_id, name, day, value)
        values (new.account_id, 'ai.conversations', account_day(new.account_id, now()), 1);
    end if;
    return null;
end $$;
create trigger count_conversation after update on conversations
    for each row when (new.closed_on is distinct from old.closed_on
        or new.resolved_at is distinct from old.resolved_at
        or new.answered_on is distinct from old.answered_on
        or new.is_ai_handled and not old.is_ai_handled
        or new.closed_on is not null and new.assignee_id is distinct from old.assignee_id)
    execute function count_conversation();

create or replace function tally_conversations() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select n.account_id, t.name, count(*)
        from new_rows n cross join lateral (values
            ('conversations:' || n.status, true),
            ('conversations:unread', not n.is_read),
            ('assigned:' || n.assignee_id, n.assignee_id is not null and n.status not in ('closed', 'spam'))
        ) as t (name, counts)
        where n.deleted_at is null and t.counts group by n.account_id, t.name;
        insert into daily (account_id, name, day, subject, value)
        select account_id, 'conversations.opened', account_day(account_id, created_at), channel, sum(number) from (
            select account_id, created_at, channel, count(*) as number from new_rows
            group by account_id, created_at, channel
        ) opened group by 1, 3, 4;
    else
        insert into tallies (account_id, name, value)
        select c.account_id, t.name, sum(c.sign) from (
            select account_id, status, is_read, assignee_id, 1 as sign from new_rows where deleted_at is null
            union all
            select account_id, status, is_read, assignee_id, -1 from old_rows where deleted_at is null
        ) c cross join lateral (values
            ('conversations:' || c.status, true),
            ('conversations:unread', not c.is_read),
            ('assigned:' || c.assignee_id, c.assignee_id is not null and c.status not in ('closed', 'spam'))
        ) as t (name, counts)
        where t.counts group by c.account_id, t.name having sum(c.sign) <> 0;
    end if;
    return null;
end $$;

-- Who answered in which conversation, and on which day last. A conversation counts on that day alone, so that the sum
-- over the days up to now is the number of different conversations, however long each went on.
create table responders (
    account_id bigint not null,
    conversation_id bigint not null,
    user_id bigint not null,
    last_on date not null,
    primary key (account_id, conversation_id, user_id)
);
call guard_tenant_table('responders');

create function count_responder() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        insert into daily (account_id, name, day, subject, value)
        values (old.account_id, 'conversations.handled_by', old.last_on, old.user_id, -1);
    end if;
    insert into daily (account_id, name, day, subject, value)
    values (new.account_id, 'conversations.handled_by', new.last_on, new.user_id, 1);
    return null;
end $$;
create trigger count_new after insert on responders for each row execute function count_responder();
create trigger count_later after update of last_on on responders
    for each row when (new.last_on <> old.last_on) execute function count_responder();

create function tally_broadcasts() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'campaigns', count(*) from new_rows where deleted_at is null group by account_id;
    else
        insert into tallies (account_id, name, value)
        select account_id, 'campaigns', sum(living) from (
            select account_id, (deleted_at is null)::int as living from new_rows
            union all
            select account_id, -(deleted_at is null)::int from old_rows
        ) changes group by account_id having sum(living) <> 0;
    end if;
    return null;
end $$;
create trigger tally_insert after insert on broadcasts
    referencing new table as new_rows for each statement execute function tally_broadcasts();
create trigger tally_update after update on broadcasts
    referencing new table as new_rows old table as old_rows for each statement execute function tally_broadcasts();
create index broadcasts_started on broadcasts (account_id, started_at) where started_at is not null;

-- What is there already: the totals whole, the days as far back as reports look.

insert into tallies (account_id, name, value)
select account_id, 'contacts:active', count(*) from contacts
where deleted_at is null and status = 'active' group by account_id;

insert into tallies (account_id, name, value)
select c.account_id, t.name, count(*) from conversations c cross join lateral (values
    ('conversations:unread', not c.is_read),
    ('assigned:' || c.assignee_id, c.assignee_id is not null and c.status not in ('closed', 'spam'))
) as t (name, counts) where c.deleted_at is null and t.counts group by c.account_id, t.name;

insert into tallies (account_id, name, value)
select account_id, 'campaigns', count(*) from broadcasts where deleted_at is null group by account_id;

insert into daily (account_id, name, day, value)
select account_id, 'contacts.created', account_day(account_id, hour), sum(number) from (
    select account_id, date_trunc('hour', created_at) as hour, count(*) as number from contacts
    where created_at > now() - interval '100 days' group by 1, 2
) born group by 1, 3;

insert into daily (account_id, name, day, subject, value)
select account_id, 'conversations.opened', account_day(account_id, created_at), channel, count(*) from conversations
where created_at > now() - interval '100 days' group by 1, 3, 4;

insert into responders (account_id, conversation_id, user_id, last_on)
select account_id, conversation_id, user_id, account_day(account_id, max(created_at)) from messages
where direction = 'out' and conversation_id is not null and user_id is not null
group by account_id, conversation_id, user_id;

update conversations c set
    closed_on = account_day(c.account_id, c.resolved_at),
    answered_on = case when answer.asked then account_day(c.account_id, c.first_response_at) end,
    first_response_by = answer.user_id
from (
    select c.account_id, c.id, (
            select m.user_id from messages m where m.account_id = c.account_id and m.conversation_id = c.id
                and m.direction = 'out' and m.user_id is not null order by m.id limit 1) as user_id,
        c.first_response_at is not null and exists (
            select from messages m where m.account_id = c.account_id and m.conversation_id = c.id
                and m.direction = 'in' and m.created_at < c.first_response_at) as asked
    from conversations c where c.resolved_at is not null or c.first_response_at is not null
) answer where c.account_id = answer.account_id and c.id = answer.id;

insert into daily (account_id, name, day, subject, value)
select m.account_id, m.name, account_day(m.account_id, m.hour), c.sends_as, sum(m.number) from (
    select account_id, 'messages.' || direction as name, channel_id, count(*) as number,
        date_trunc('hour', case direction when 'in' then created_at else sent_at end) as hour
    from messages where created_at > now() - interval '100 days' and (direction = 'in' or sent_at is not null)
    group by 1, 2, 3, 5
) m join channels c on c.id = m.channel_id group by 1, 2, 3, 4;

insert into daily (account_id, name, day, subject, value)
select account_id, 'messages.sent_by', account_day(account_id, hour), user_id, sum(number) from (
    select account_id, user_id, date_trunc('hour', sent_at) as hour, count(*) as number from messages
    where direction = 'out' and user_id is not null and sent_at > now() - interval '100 days' group by 1, 2, 3
) written group by 1, 3, 4;
