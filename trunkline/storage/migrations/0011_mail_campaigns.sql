-- Campaigns by mail: the letter that is made once, its links, and what recipients do with it.

alter table broadcasts
    add column letter_html text,  -- as it goes out: styles inlined, links and pixel marked
    add column letter_text text,
    add column variants jsonb,    -- of an A/B test: [{"subject", "percent"}]
    add column body_json jsonb,   -- whatever the editor of the author keeps
    add column brake boolean not null default true;
alter table messages add column variant smallint;

-- Each distinct address that a broadcast links to. Number 0 is no link: it stands for the pixel.
create table broadcast_links (
    account_id bigint not null,
    broadcast_id bigint not null,
    number smallint not null check (number > 0),
    url text not null,
    primary key (account_id, broadcast_id, number)
);
call guard_tenant_table('broadcast_links');

-- What was asked for of one mail, each thing once: written at the request, judged some seconds later, when it shows
-- whether a person or a scanner asked.
create table mail_hits (
    account_id bigint not null,
    message_id bigint not null,
    number smallint not null,
    broadcast_id bigint not null,
    machine boolean not null,
    judged boolean not null default false,
    at timestamptz not null default now(),
    primary key (account_id, message_id, number)
);
create index mail_hits_waiting on mail_hits (at) where not judged;
call guard_tenant_table('mail_hits');

-- The verdicts: one row for each mail that somebody or something looked at.
create table engagements (
    account_id bigint not null,
    message_id bigint not null,
    broadcast_id bigint not null,
    contact_id bigint not null,
    opened_at timestamptz,
    clicked_at timestamptz,
    machine_opened_at timestamptz,
    machine_clicked_at timestamptz,
    primary key (account_id, message_id)
);
create index engagements_broadcast on engagements (account_id, broadcast_id, contact_id);
create index engagements_contact on engagements (account_id, contact_id, message_id);
call guard_tenant_table('engagements');
