-- What a worker counted, written with its beat, so that any web process can tell it.

alter table workers add column metrics jsonb not null default '[]';
