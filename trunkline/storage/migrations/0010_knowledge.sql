-- What answers are drawn from: documents, their chunks, and the vectors of chunks.

-- `content` is the text, written or read out of the file or page; `is_html` says that it was written as HTML.
-- `search` and `title_key` are folded for finding and sorting. A new `revision` supersedes work on the one before.
create table knowledge_documents (
    account_id bigint not null,
    id bigint generated always as identity,
    uuid uuid not null,
    kind text not null check (kind in ('document', 'qa', 'url', 'file')),
    title text not null,
    is_titled boolean not null default true,
    content text,
    is_html boolean not null default false,
    question text,
    answer text,
    category text,
    is_priority boolean not null default false,
    is_paused boolean not null default false,
    file_key text,
    file_name text,
    file_type text,
    file_size bigint,
    source_url text,
    stage text not null default 'uploading'
        check (stage in ('uploading', 'extracting', 'chunking', 'embedding', 'ready', 'failed')),
    error_message text,
    revision integer not null default 1,
    chunks_count integer not null default 0,
    usage_count bigint not null default 0,
    search text not null,
    title_key text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (account_id, id)
);
create unique index knowledge_documents_uuid on knowledge_documents (account_id, uuid);
create index knowledge_documents_latest on knowledge_documents (account_id, created_at desc, id desc);
create index knowledge_documents_search on knowledge_documents using gin (account_id, search gin_trgm_ops);
call guard_tenant_table('knowledge_documents');

-- `words` are the words as our own folding finds them, title and heading weighted A; `folded` is for what is misspelt.
-- Chunks come alive together when the last one of a document is written.
create table knowledge_chunks (
    account_id bigint not null,
    id bigint generated always as identity,
    document_id bigint not null,
    position integer not null,
    heading text not null default '',
    body text not null,
    first integer not null,
    last integer not null,
    digest text not null,
    words tsvector not null,
    folded text not null,
    is_live boolean not null default false,
    primary key (account_id, id)
);
create index knowledge_chunks_document on knowledge_chunks (account_id, document_id, position);
create index knowledge_chunks_words on knowledge_chunks using gin (account_id, words);
create index knowledge_chunks_folded on knowledge_chunks using gin (account_id, folded gin_trgm_ops);
call guard_tenant_table('knowledge_chunks');

-- `vector` has length 1; `signs` has a bit for each of its numbers and finds the candidates among many quickly.
create table knowledge_vectors (
    account_id bigint not null,
    chunk_id bigint not null,
    document_id bigint not null,
    model text not null,
    signs bit varying not null,
    vector real[] not null,
    primary key (account_id, chunk_id)
);
create index knowledge_vectors_model on knowledge_vectors (account_id, model);
create index knowledge_vectors_document on knowledge_vectors (account_id, document_id);
call guard_tenant_table('knowledge_vectors');

create function tally_documents() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into tallies (account_id, name, value)
        select account_id, 'documents', count(*) from new_rows group by account_id;
    else
        insert into tallies (account_id, name, value)
        select account_id, 'documents', -count(*) from old_rows group by account_id;
    end if;
    return null;
end $$;
create trigger tally_insert after insert on knowledge_documents
    referencing new table as new_rows for each statement execute function tally_documents();
create trigger tally_delete after delete on knowledge_documents
    referencing old table as old_rows for each statement execute function tally_documents();

-- Search operators may use no index under row-level security, so these run as the system role and name the account.

-- Up to `most` documents whose title, question or text is like the pattern.
create function search_documents(account_id bigint, pattern text, most integer)
returns setof bigint language plpgsql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $$
begin
    if account_id is distinct from current_account() then
        return;
    end if;
    return query
        (select d.id from knowledge_documents d
            where d.account_id = search_documents.account_id and d.search like pattern limit most)
        union
        (select distinct c.document_id from knowledge_chunks c
            where c.account_id = search_documents.account_id and c.folded like pattern limit most)
        limit most;
end $$;

-- The chunks that say most about the terms. A rare term weighs more than a frequent one, and the share of the whole
-- weight that a chunk reaches is its score, from 0 to 1. ts_rank tells 0.61 of a word's weight at its first
-- occurrence and comes close to all of it with the others.
create function search_chunks(account_id bigint, terms text[], weights double precision[], category text, most integer)
returns table (chunk_id bigint, score double precision) language plpgsql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
    total double precision;
begin
    if account_id is distinct from current_account() then
        return;
    end if;
    select coalesce(sum(d.chunks_count), 0) into total from knowledge_documents d
        where d.account_id = search_chunks.account_id;
    return query
        with asked as materialized (
            select a.term::tsquery as term, a.weight, a.number
            from unnest(terms, weights) with ordinality as a (term, weight, number)
        ), hits as materialized (
            select a.number, c.id, d.is_priority, ts_rank('{0.85, 0.85, 0.85, 1}', c.words, a.term) / 0.61 as rank
            from asked a
            join knowledge_chunks c on c.account_id = search_chunks.account_id and c.is_live and c.words @@ a.term
            join knowledge_documents d on d.account_id = search_chunks.account_id and d.id = c.document_id
                and not d.is_paused and (search_chunks.category is null or d.category = search_chunks.category)
        ), weighed as (
            select a.number, a.weight * ln(1 + (total + 1) / (coalesce(f.hits, 0) + 0.5)) as weight
            from asked a left join (select h.number, count(*) as hits from hits h group by h.number) f using (number)
        ), scored as (
            select h.id, h.is_priority, sum(w.weight * least(1, h.rank)) / (select sum(w.weight) from weighed w) as score
            from hits h join weighed w using (number)
            group by h.id, h.is_priority
        )
        select s.id, s.score from scored s
        order by s.score * (case when s.is_priority then 1.2 else 1 end) desc, s.id
        limit most;
end $$;

-- The chunks that have words nearly like these, for what is misspelt.
create function similar_chunks(account_id bigint, wanted text[], category text, most integer)
returns table (chunk_id bigint, score double precision) language plpgsql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan
set pg_trgm.word_similarity_threshold = 0.42 as $$
begin
    if account_id is distinct from current_account() then
        return;
    end if;
    return query
        select c.id, sum(word_similarity(w.word, c.folded)) / cardinality(wanted)
        from unnest(wanted) as w (word)
        join knowledge_chunks c on c.account_id = similar_chunks.account_id and c.is_live and w.word <% c.folded
        join knowledge_documents d on d.account_id = similar_chunks.account_id and d.id = c.document_id
            and not d.is_paused and (similar_chunks.category is null or d.category = similar_chunks.category)
        group by c.id, d.is_priority
        order by sum(word_similarity(w.word, c.folded)) * (case when d.is_priority then 1.2 else 1 end) desc, c.id
        limit most;
end $$;

grant create on schema public to trunkline_system;
alter function search_documents owner to trunkline_system;
alter function search_chunks owner to trunkline_system;
alter function similar_chunks owner to trunkline_system;
revoke create on schema public from trunkline_system;
revoke execute on function search_documents, search_chunks, similar_chunks from public;
grant execute on function search_documents, search_chunks, similar_chunks to trunkline_app;
