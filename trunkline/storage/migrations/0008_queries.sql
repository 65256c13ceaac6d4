-- What contact queries ask for: values of fields by type, flows that people were in, groups that fill themselves.

-- Text as queries compare it. Python folds the same way: see trunkline/contacts/query/words.py.
create function folded(value text) returns text language sql immutable parallel safe
    return lower(btrim(normalize(value, nfc),
        E'\t\n\u000B\f\r\u001C\u001D\u001E\u001F \u0085\u00A0\u1680\u2028\u2029\u202F\u205F\u3000'
        '\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A'));

-- A moment with its zone, as it is stored; null for any other text.
create function moment_of(value text) returns timestamptz language plpgsql stable parallel safe as $$
begin
    if value !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?([Zz]|[+-](0[0-9]|1[0-5]):[0-5][0-9])$' then
        return null;
    end if;
    return (select moment from (select value::timestamptz as moment) as read
        where moment >= '0001-01-01T00:00:00Z' and moment < '10000-01-01T00:00:00Z');
exception when others then
    return null;  -- the 31st of February
end $$;

-- One row for each field that has a value, read as every type it can be: a query compares it by the field's type.
-- `place` is the last part of a path; `approx` is the number for an index (comparing numerics may use none under
-- row-level security). Long texts are cut; who asks for a longer one looks at the contact itself.
create table contact_values (
    account_id bigint not null,
    contact_id bigint not null,
    key text not null,
    value text not null,
    place text,
    number numeric,
    approx double precision,
    moment timestamptz,
    primary key (account_id, contact_id, key)
);
create index contact_values_text on contact_values (account_id, key, value, contact_id);
create index contact_values_place on contact_values (account_id, key, place, contact_id) where place is not null;
create index contact_values_number on contact_values (account_id, key, approx, contact_id) where approx is not null;
create index contact_values_moment on contact_values (account_id, key, moment, contact_id) where moment is not null;
call guard_tenant_table('contact_values');

create function field_values(fields jsonb)
returns table (key text, value text, place text, number numeric, approx double precision, moment timestamptz)
language sql stable parallel safe as $$
    select e.key, left(t.text, 250), case when strpos(t.text, '>') > 0 then left(folded(regexp_replace(t.text, '^.*>', '')), 250) end,
        n.number, n.number::double precision, case when length(t.text) between 17 and 32 then moment_of(t.text) end
    from jsonb_each(fields) e
    cross join lateral (select folded(e.value #>> '{}') as text) t
    cross join lateral (select case when jsonb_typeof(e.value) <> 'boolean' and length(t.text) <= 60
        and t.text ~ '^[+-]?([0-9]{1,36}(\.[0-9]{0,18})?|\.[0-9]{1,18})$' then t.text::numeric end as number) n
    where jsonb_typeof(e.value) in ('string', 'number', 'boolean') and t.text <> ''
$$;

create function store_values_of_new() returns trigger language plpgsql as $$
begin
    insert into contact_values
    select n.account_id, n.id, v.* from new_rows n cross join lateral field_values(n.fields) v
    where n.fields <> '{}';
    return null;
end $$;
create trigger store_values_of_new after insert on contacts
    referencing new table as new_rows for each statement execute function store_values_of_new();

create function store_values() returns trigger language plpgsql as $$
begin
    delete from contact_values v where v.account_id = old.account_id and v.contact_id = old.id
        and (tg_op = 'DELETE' or old.fields -> v.key is distinct from new.fields -> v.key);
    if tg_op = 'UPDATE' then
        insert into contact_values select new.account_id, new.id, v.* from field_values(new.fields) v
        on conflict do nothing;
    end if;
    return null;
end $$;
create trigger store_values after update of fields on contacts
    for each row when (old.fields is distinct from new.fields) execute function store_values();
create trigger drop_values after delete on contacts for each row execute function store_values();

insert into contact_values
select c.account_id, c.id, v.* from contacts c cross join lateral field_values(c.fields) v where c.fields <> '{}';

-- The flow somebody is in, and all flows somebody was ever in; kept by those who run flows.
alter table contacts add column current_flow_id bigint;
create table contact_flows (
    account_id bigint not null,
    contact_id bigint not null,
    flow_id bigint not null,
    primary key (account_id, contact_id, flow_id)
);
create index contact_flows_flow on contact_flows (account_id, flow_id, contact_id);
call guard_tenant_table('contact_flows');

-- A group with a query fills itself. `touches` names what its query looks at, `cursor` how far a filling has come,
-- `turn` which filling is the latest; `problem` says why the query cannot be used any more.
alter table groups
    add column status text not null default 'ready' check (status in ('initializing', 'ready', 'invalid')),
    add column touches text[] not null default '{}',
    add column cursor bigint not null default 0,
    add column looked bigint not null default 0,
    add column turn integer not null default 0,
    add column problem text;

-- Most people are active; the others are looked for among themselves.
create index contacts_inactive on contacts (account_id, status, created_at desc, id desc)
    where deleted_at is null and status <> 'active';
create index contacts_language on contacts (account_id, language) where deleted_at is null and language is not null;
create index urns_search on urns using gin (account_id, lower(path) gin_trgm_ops);

-- Up to `most` contacts with a word like the pattern in name, email or phone, and up to `most` with such an address.
-- Patterns may use no index under row-level security, so these run as the system role and name the account.
create function search_words(account_id bigint, pattern text, most integer)
returns setof bigint language plpgsql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $$
begin
    if account_id is distinct from current_account() then
        return;
    end if;
    return query select c.id from contacts c
        where c.account_id = search_words.account_id and c.deleted_at is null and c.search ~ pattern limit most;
end $$;

create function search_urns(account_id bigint, schemes text[], pattern text, most integer)
returns setof bigint language plpgsql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $$
begin
    if account_id is distinct from current_account() then
        return;
    end if;
    return query select distinct u.contact_id from urns u
        where u.account_id = search_urns.account_id and lower(u.path) like pattern
            and (schemes is null or u.scheme = any(schemes)) limit most;
end $$;

grant create on schema public to trunkline_system;
alter function search_words owner to trunkline_system;
alter function search_urns owner to trunkline_system;
revoke create on schema public from trunkline_system;
revoke execute on function search_words, search_urns from public;
grant execute on function search_words, search_urns to trunkline_app;
