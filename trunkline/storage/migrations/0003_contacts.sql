-- Who we talk to. Names that must be unique are compared on a normalised column: a plain text equality may use
-- an index under row-level security, a function over the column may not.

create extension if not exists btree_gin;  -- puts the account in front of a trigram index

create table stages (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    position integer not null,
    primary key (account_id, id),
    unique (account_id, name_key)
);
call guard_tenant_table('stages');

create table companies (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    website text,
    industry text,
    deal_value numeric(15, 2) not null default 0,
    stage_id bigint,
    position integer not null default 0,
    logo_url text,
    notes text,
    last_contact_at timestamptz,
    is_customer boolean not null default false,
    created_by bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    primary key (account_id, id)
);
create unique index companies_name on companies (account_id, name_key) where deleted_at is null;
create unique index companies_uuid on companies (account_id, uuid);
create index companies_search on companies using gin (account_id, name_key gin_trgm_ops) where deleted_at is null;
call guard_tenant_table('companies');

create table contacts (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null default '',
    first_name text not null default '',
    last_name text not null default '',
    email text,
    phone text,
    title text,
    buying_role text,
    is_primary boolean not null default false,
    company_id bigint,
    city text,
    country text,
    timezone text,
    language text,
    avatar text,
    lead_score smallint not null default 0 check (lead_score between 0 and 100),
    status text not null default 'active' check (status in ('active', 'blocked', 'stopped', 'archived')),
    do_not_disturb boolean not null default false,
    do_not_disturb_reason text,
    bot_active boolean not null default true,
    notes text,
    owner_id bigint,
    fields jsonb not null default '{}',
    metadata jsonb not null default '{}',
    source text not null default '',
    last_contacted_at timestamptz,
    last_seen_at timestamptz,
    last_inbound_at timestamptz,
    unsubscribed_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    search text generated always as (
        lower(name || ' ' || coalesce(email, '') || ' ' || coalesce(phone, ''))) stored,
    primary key (account_id, id)
);
create unique index contacts_uuid on contacts (account_id, uuid);
create index contacts_created on contacts (account_id, created_at desc, id desc) where deleted_at is null;
create index contacts_company on contacts (account_id, company_id) where company_id is not null;
create index contacts_updated on contacts (account_id, updated_at desc, id desc);
create index contacts_search on contacts using gin (account_id, search gin_trgm_ops) where deleted_at is null;
call guard_tenant_table('contacts');
-- A contact's id is drawn before its addresses are claimed; the contact is written only if one was won.
grant usage on sequence contacts_id_seq to trunkline_app, trunkline_system;

-- The addresses of people. `path` is normalised, `raw` is what was typed; one living owner per address.
create table urns (
    account_id bigint not null,
    id bigint generated always as identity,
    contact_id bigint not null,
    scheme text not null,
    path text not null,
    raw text,
    priority smallint not null default 0,
    channel_id bigint,
    created_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, scheme, path)
);
create index urns_contact on urns (account_id, contact_id, scheme, priority, id) include (path);
call guard_tenant_table('urns');

create table groups (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    name text not null,
    name_key text not null,
    query text,
    created_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, name_key)
);
create unique index groups_uuid on groups (account_id, uuid);
call guard_tenant_table('groups');

create table group_members (
    account_id bigint not null,
    group_id bigint not null,
    contact_id bigint not null,
    primary key (account_id, group_id, contact_id)
);
create index group_members_contact on group_members (account_id, contact_id);
call guard_tenant_table('group_members');

create table tags (
    account_id bigint not null,
    id bigint generated always as identity,
    kind text not null check (kind in ('contact', 'conversation')),
    name text not null,
    name_key text not null,
    color text not null default '#8B5CF6',
    description text not null default '',
    created_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, kind, name_key)
);
call guard_tenant_table('tags');

create table contact_tags (
    account_id bigint not null,
    tag_id bigint not null,
    contact_id bigint not null,
    primary key (account_id, tag_id, contact_id)
);
create index contact_tags_contact on contact_tags (account_id, contact_id);
call guard_tenant_table('contact_tags');

create table fields (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    key text not null,
    label text not null,
    type text not null default 'text' check (type in ('text', 'number', 'datetime', 'state', 'district', 'ward')),
    agent_access text not null default 'view' check (agent_access in ('none', 'view', 'edit')),
    created_at timestamptz not null default now(),
    primary key (account_id, id),
    unique (account_id, key)
);
call guard_tenant_table('fields');

-- Addresses that must not be written to, by kind of channel. Survives the contact and every import.
create table suppressions (
    account_id bigint not null,
    kind text not null,
    address text not null,
    reason text not null,
    evidence jsonb not null default '{}',
    created_at timestamptz not null default now(),
    primary key (account_id, kind, address)
);
call guard_tenant_table('suppressions');

-- Each opt-in and opt-out with its proof. Rows are only ever added.
create table consents (
    account_id bigint not null,
    id bigint generated always as identity,
    kind text not null,
    address text not null,
    contact_id bigint,
    given boolean not null,
    source text not null,
    evidence jsonb not null default '{}',
    actor text not null,
    at timestamptz not null default now(),
    primary key (account_id, id)
);
create index consents_address on consents (account_id, kind, address);
call guard_tenant_table('consents', writable => false);

-- Up to `most` contacts of the current account whose text, or whose company's name, is like the pattern. `like`
-- over a column may not use an index under row-level security, so this runs as the system role and names the account.
create function search_contacts(account_id bigint, pattern text, digits text, company text, most integer)
returns setof bigint language plpgsql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $$
begin
    if account_id is distinct from current_account() then
        return;
    end if;
    return query
        (select c.id from contacts c
            where c.account_id = search_contacts.account_id and c.deleted_at is null and c.search like pattern
            limit most)
        union
        (select c.id from contacts c
            where c.account_id = search_contacts.account_id and c.deleted_at is null and c.search like digits
            limit most)
        union
        (select c.id from companies co join contacts c on c.account_id = co.account_id and c.company_id = co.id
            where co.account_id = search_contacts.account_id and co.deleted_at is null and co.name_key like company
                and c.deleted_at is null
            limit most)
        limit most;
end $$;
grant create on schema public to trunkline_system;
alter function search_contacts owner to trunkline_system;
revoke create on schema public from trunkline_system;
revoke execute on function search_contacts from public;
grant execute on function search_contacts to trunkline_app;

-- The shape of an import's staging table: each import copies its rows into a temporary twin. Nothing is stored here.
create table import_rows (
    account_id bigint not null,
    line integer not null,
    contact_id bigint not null,
    uuid uuid,
    email text,
    phone text,
    name text,
    first_name text,
    last_name text,
    title text,
    company_id bigint,
    city text,
    country text,
    timezone text,
    lead_score smallint
);
call guard_tenant_table('import_rows', writable => false);
revoke insert on import_rows from trunkline_app, trunkline_system;

-- Totals are exact because the database keeps them, whoever writes.
create function tally_contacts() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'contacts', count(*) from new_rows where deleted_at is null group by account_id;
    elsif tg_op = 'UPDATE' then
        insert into tallies (account_id, name, value)
        -- No join: its plan would be made for the first, small change and kept for the large ones.
        select account_id, 'contacts', sum(delta) from (
            select account_id, (deleted_at is null)::int as delta from new_rows
            union all
            select account_id, -(deleted_at is null)::int from old_rows
        ) changes group by account_id having sum(delta) <> 0;
    else
        insert into tallies (account_id, name, value)
        select account_id, 'contacts', -count(*) from old_rows where deleted_at is null group by account_id;
    end if;
    return null;
end $$;
create trigger tally_insert after insert on contacts
    referencing new table as new_rows for each statement execute function tally_contacts();
create trigger tally_update after update on contacts
    referencing new table as new_rows old table as old_rows for each statement execute function tally_contacts();
create trigger tally_delete after delete on contacts
    referencing old table as old_rows for each statement execute function tally_contacts();

create function tally_members() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'group:' || group_id, count(*) from new_rows group by account_id, group_id;
    else
        insert into tallies (account_id, name, value)
        select account_id, 'group:' || group_id, -count(*) from old_rows group by account_id, group_id;
    end if;
    return null;
end $$;
create trigger tally_insert after insert on group_members
    referencing new table as new_rows for each statement execute function tally_members();
create trigger tally_delete after delete on group_members
    referencing old table as old_rows for each statement execute function tally_members();

create function tally_tags() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'tag:' || tag_id, count(*) from new_rows group by account_id, tag_id;
    else
        insert into tallies (account_id, name, value)
        select account_id, 'tag:' || tag_id, -count(*) from old_rows group by account_id, tag_id;
    end if;
    return null;
end $$;
create trigger tally_insert after insert on contact_tags
    referencing new table as new_rows for each statement execute function tally_tags();
create trigger tally_delete after delete on contact_tags
    referencing old table as old_rows for each statement execute function tally_tags();
