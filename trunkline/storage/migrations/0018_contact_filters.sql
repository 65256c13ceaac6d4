-- Lists by country and by score come from an index, in the order in which lists are shown. `lower` over a column may
-- not use one under row-level security, so what is compared is stored.

alter table contacts add column country_key text generated always as (lower(country)) stored;
create index contacts_country on contacts (account_id, country_key, created_at desc, id desc)
    where deleted_at is null and country_key is not null;
create index contacts_score on contacts (account_id, lead_score, created_at desc, id desc) where deleted_at is null;
