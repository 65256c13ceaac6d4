-- Portions of an audience that are marked off and whose messages are not written yet. Several hands write them side by
-- side; what a crash leaves here is written when the work goes on.
create table broadcast_portions (
    account_id bigint not null,
    broadcast_id bigint not null,
    after bigint not null,
    upto bigint not null,
    primary key (account_id, broadcast_id, after)
);
call guard_tenant_table('broadcast_portions');

-- Uuids for many rows of one statement, sorted by time and number like `uuidv7()`, at a third of its price: that one asks
-- the kernel for chance each time. `moment` is in milliseconds. Older servers draw no numbers from a range.
do $$
begin
    if current_setting('server_version_num')::int >= 170000 then
        create function bulk_uuid(moment bigint, number bigint) returns uuid language sql volatile parallel safe as $fast$
            select encode(int8send((moment + (number >> 12) << 16) | 28672 | (number & 4095))
                || int8send(random('-9223372036854775808'::bigint, '-4611686018427387905'::bigint)), 'hex')::uuid
        $fast$;
    else
        create function bulk_uuid(moment bigint, number bigint) returns uuid language sql volatile parallel safe as $slow$
            select new_uuid()
        $slow$;
    end if;
end $$;
