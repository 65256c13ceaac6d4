-- Tries that failed, apart from claims that ended without a word because the worker died.

alter table jobs add column failures smallint not null default 0;
alter table inbound add column failures smallint not null default 0;
