-- Webhooks to an account's own URL and to URLs named by a single call.

-- `endpoint` was registered by somebody. `account` is the one URL of the account's settings. `callback` stands for all
-- URLs of one origin that calls named: they share a pace and a rest, so that a URL for each message, each with its own
-- number, does not make a row for each. The last two are signed with the account's secret and have none of their own.
alter table webhook_endpoints
    add column kind text not null default 'endpoint' check (kind in ('endpoint', 'account', 'callback')),
    add column origin text,
    add column used_at timestamptz not null default now(),
    add check ((kind = 'endpoint') = (origin is null)),
    add constraint webhook_endpoints_origin unique (account_id, kind, origin);

drop index webhook_endpoints_listening;
create index webhook_endpoints_listening on webhook_endpoints (account_id)
    where active and deleted_at is null and kind = 'endpoint';
create index webhook_endpoints_idle on webhook_endpoints (used_at) where kind = 'callback';

-- Where it goes, if not to the endpoint's own address.
alter table webhook_deliveries add column url text;
