-- PostgreSQL 18 makes uuids that are sorted by time by itself, several times as fast as a function in SQL: a broadcast to
-- a million makes a million of them. Older servers keep the function.
do $$
begin
    if current_setting('server_version_num')::int >= 180000 then
        alter table messages alter column uuid set default uuidv7();
    end if;
end $$;
