-- What happens on a channel besides messages: calls, referrals, opt-ins. Kept for 90 days.

-- `external_id` is the provider's id of it, by which repeats are told; who names none is believed each time.
create table channel_events (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    type text not null check (type in ('call_in', 'call_in_missed', 'call_out', 'call_out_missed', 'stop_contact',
        'new_conversation', 'referral', 'welcome_message', 'optin', 'optout', 'delete_contact')),
    channel_id bigint not null,
    contact_id bigint not null,
    scheme text not null,
    address text not null,
    extra jsonb not null default '{}',
    external_id text,
    occurred_at timestamptz not null,
    created_at timestamptz not null default now(),
    primary key (account_id, id)
);
create unique index channel_events_external on channel_events (account_id, channel_id, external_id)
    where external_id is not null;
create index channel_events_contact on channel_events (account_id, contact_id, id desc);
create index channel_events_latest on channel_events (account_id, created_at desc, id desc);
create index channel_events_age on channel_events (created_at);
call guard_tenant_table('channel_events');

-- Who was last seen when, for queries that few contacts match. It summarises stretches of the table, so that a message
-- that comes in need not touch the other indexes; before PostgreSQL 16 it would have to, and there is none.
do $$
begin
    if current_setting('server_version_num')::integer >= 160000 then
        create index contacts_seen on contacts using brin (account_id, last_seen_at) with (pages_per_range = 32);
    end if;
end $$;

-- Contacts with a word that begins with two plain letters or digits, up to `most` of each kind. Of such a token the
-- index knows the beginning of the word: two of three trigrams, which is more than the threshold. Letters in circles and
-- squares, which it takes for letters of the word, stand before it for us.
create function search_beginnings(account_id bigint, token text, most integer)
returns setof bigint language plpgsql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan set pg_trgm.word_similarity_threshold = 0.6
as $$
declare
    framed int4range;
begin
    if account_id is distinct from current_account() or token !~ '^[a-z0-9]{2}$' then
        return;
    end if;
    return query select c.id from contacts c
        where c.account_id = search_beginnings.account_id and c.deleted_at is null and c.search %> token limit most;
    -- One by one: what a list of patterns finds is taken for so much that the whole table is read.
    foreach framed in array array[int4range(x'24D0'::int, x'24EA'::int), int4range(x'1F130'::int, x'1F14A'::int),
        int4range(x'1F150'::int, x'1F16A'::int), int4range(x'1F170'::int, x'1F18A'::int)]
    loop
        for point in lower(framed) .. upper(framed) - 1 loop
            return query select c.id from contacts c where c.account_id = search_beginnings.account_id
                and c.deleted_at is null and c.search like '%' || chr(point) || token || '%' limit most;
        end loop;
    end loop;
end $$;
grant create on schema public to trunkline_system;
alter function search_beginnings owner to trunkline_system;
revoke create on schema public from trunkline_system;
revoke execute on function search_beginnings from public;
grant execute on function search_beginnings to trunkline_app;
