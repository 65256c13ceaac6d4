-- Credits that an agency gives to one of its sub-accounts.

-- The only way from one account's books into another's, and therefore the only function that sees both. It
-- trusts nothing but the account of the transaction: that one must be the living agency above the address.
-- The agency's balance row is the lock: grants of one agency go one by one, so a key is used once.
-- Outcomes: done, repeated, not_an_agency, not_found, key_reused, insufficient.
create function transfer_credits(
    to_email text, moving bigint, why text, note text, key text, who text,
    out outcome text, out sub_account_id bigint, out sub_account_uuid uuid, out balance bigint,
    out agency_available bigint, out agency_paid boolean
) language plpgsql security definer set search_path = public, pg_temp as $$
declare
    agency accounts;
    sub accounts;
    earlier ledger;
begin
    select a.* into agency from accounts a
        where a.id = current_account() and a.kind = 'agency' and a.deleted_at is null;
    if agency.id is null then
        outcome := 'not_an_agency';
        return;
    end if;

    select a.* into sub from accounts a
        where a.parent_id = agency.id and a.email = to_email and a.deleted_at is null;
    if sub.id is null then
        outcome := 'not_found';
        return;
    end if;
    sub_account_id := sub.id;
    sub_account_uuid := sub.uuid;

    insert into balances (account_id) values (agency.id), (sub.id) on conflict do nothing;
    select b.available into agency_available from balances b where b.account_id = agency.id for update;
    -- Read again under the lock: the setting may have been turned while we waited.
    select a.metered into agency_paid from accounts a where a.id = agency.id;

    select l.* into earlier from ledger l
        where l.account_id = agency.id and l.idempotency_key = key;
    if earlier.id is not null then
        if earlier.target <> 'agency' or earlier.amount <> moving or earlier.reference <> 'account:' || sub.id then
            outcome := 'key_reused';
            return;
        end if;
        select l.available into balance from ledger l
            where l.account_id = sub.id and l.source = 'agency' and l.reference = 'ledger:' || earlier.id;
        outcome := 'repeated';
        agency_paid := false;
        return;
    end if;

    if agency_paid then
        if agency_available < moving then
            outcome := 'insufficient';
            return;
        end if;
        update balances b set available = b.available - moving where b.account_id = agency.id
            returning b.available into agency_available;
    end if;
    insert into ledger (account_id, source, target, amount, available, reason, reference, description,
            idempotency_key, actor)
        values (agency.id, case when agency_paid then 'available' else 'granted' end, 'agency', moving,
            agency_available, why, 'account:' || sub.id, note, key, who)
        returning * into earlier;

    update balances b set available = b.available + moving where b.account_id = sub.id
        returning b.available into balance;
    insert into ledger (account_id, source, target, amount, available, reason, reference, description, actor)
        values (sub.id, 'agency', 'available', moving, balance, why, 'ledger:' || earlier.id, note, 'agency');
    insert into events (account_id, type, actor, cause, depth, data)
        values (sub.id, 'credits.granted', 'agency', '', 0,
            jsonb_build_object('amount', moving, 'balance', balance, 'reason', why));
    outcome := 'done';
end $$;
revoke execute on function transfer_credits from public;
grant execute on function transfer_credits to trunkline_app, trunkline_system;

-- A repeated grant finds what the sub-account had after the first one.
create index ledger_references on ledger (account_id, reference) where source = 'agency';
