-- Agencies: who a sub-account is, its allowance, what its channels cost by the month, requests to recharge it.

-- What an agency said about a sub-account when it made it.
create table profiles (
    account_id bigint primary key references accounts (id),
    first_name text not null,
    last_name text not null,
    business_name text,
    description text,
    address_line text,
    city text,
    state text,
    postal_code text,
    language text
);
call guard_tenant_table('profiles');

-- What the agency gives at the start of each month of the sub-account's own calendar. `month` is the last one given
-- for; `given` what was there of allowances when it began, `opening` all that was available then, and `since` the
-- last entry of the ledger before: whatever came from outside since then is no part of the allowance.
create table allowances (
    account_id bigint primary key references accounts (id),
    monthly bigint not null check (monthly >= 0),
    roll_over boolean not null default false,
    month date,
    given bigint not null default 0,
    opening bigint not null default 0,
    since bigint not null default 0
);
call guard_tenant_table('allowances');
create index ledger_outside on ledger (account_id, id)
    where source in ('granted', 'agency') or target in ('granted', 'agency');
create index ledger_moments on ledger (account_id, at);

-- One row for a channel and a month: charged once, however many ask. What could not be paid is owed and tried again.
create table channel_months (
    account_id bigint not null references accounts (id),
    channel_id bigint not null,
    month date not null,
    amount bigint not null check (amount > 0),
    paid_at timestamptz,
    told boolean not null default false,
    primary key (account_id, channel_id, month)
);
create index channel_months_owed on channel_months (account_id) where paid_at is null;
call guard_tenant_table('channel_months');

-- Requests to an agency to sell credits to a sub-account: `key` is told with each try, one request is open at a time.
create table recharges (
    account_id bigint not null references accounts (id),
    id bigint generated always as identity,
    sub_account_id bigint not null references accounts (id),
    key text not null,
    balance bigint not null,
    threshold bigint not null,
    amount bigint not null,
    opened_at timestamptz not null,
    closed_at timestamptz,
    primary key (account_id, id),
    unique (account_id, key)
);
create unique index recharges_open on recharges (sub_account_id) where closed_at is null;
create index recharges_latest on recharges (sub_account_id, id);
call guard_tenant_table('recharges');

-- When a day begins where the account is at home; in UTC for a zone that the database does not know.
create function account_midnight(account bigint, day date) returns timestamptz language plpgsql stable as $$
begin
    return day::timestamp at time zone coalesce((select timezone from accounts where id = account), 'UTC');
exception when invalid_parameter_value then
    return day::timestamp at time zone 'UTC';
end $$;

-- The first day of the month there.
create function account_month(account bigint, moment timestamptz) returns date language sql stable
    return date_trunc('month', account_day(account, moment))::date;

-- At how many credits an account is told that they run low: its own number, else that of the agency above it, whose
-- row the account itself may not see.
create function low_credits(below bigint) returns bigint
language sql stable security definer set search_path = public, pg_temp as $$
    select coalesce(a.settings ->> 'auto_recharge_threshold', p.settings ->> 'auto_recharge_threshold')::bigint
    from accounts a left join accounts p on p.id = a.parent_id where a.id = below
$$;
revoke execute on function low_credits from public;
grant execute on function low_credits to trunkline_app, trunkline_system;

-- The way back of `transfer_credits`: what a sub-account has, `most` at most, returns to the agency of the transaction.
-- Locks in the same order. An agency that does not pay for what it gives gets nothing for what comes back.
create function reclaim_credits(
    below bigint, most bigint, why text, who text, out moved bigint, out agency_available bigint
) language plpgsql security definer set search_path = public, pg_temp as $$
declare
    agency accounts;
    left_over bigint;
    entry bigint;
begin
    moved := 0;
    select a.* into agency from accounts a
        where a.id = current_account() and a.kind = 'agency';
    if agency.id is null or not exists (select from accounts a where a.id = below and a.parent_id = agency.id) then
        return;
    end if;
    insert into balances (account_id) values (agency.id), (below) on conflict do nothing;
    select b.available into agency_available from balances b where b.account_id = agency.id for update;
    select a.* into agency from accounts a where a.id = agency.id;
    select least(b.available, most) into moved from balances b where b.account_id = below for update;
    if moved <= 0 then
        moved := 0;
        return;
    end if;

    update balances b set available = b.available - moved where b.account_id = below
        returning b.available into left_over;
    insert into ledger (account_id, source, target, amount, available, reason, reference, actor)
        values (below, 'available', 'agency', moved, left_over, why, 'account:' || agency.id, 'agency')
        returning id into entry;
    if agency.metered then
        update balances b set available = b.available + moved where b.account_id = agency.id
            returning b.available into agency_available;
    end if;
    insert into ledger (account_id, source, target, amount, available, reason, reference, actor)
        values (agency.id, 'agency', case when agency.metered then 'available' else 'granted' end, moved,
            agency_available, why, 'account:' || below, who);
end $$;
revoke execute on function reclaim_credits from public;
grant execute on function reclaim_credits to trunkline_app, trunkline_system;
