/**
 * The tables and functions in the database, in the schema `o1_api`. Each function is one round trip
 * and one transaction.
 *
 * While servers are updated one after another, the old ones use the new tables. So a migration keeps
 * the functions that the version before it calls, and gives new ones new names.
 *
 * @module
 */

/** First numbers of the advisory locks. The second number is 0 to 1023, or 0. */
const LOCK_OF_ENTRIES = 1_870_001;
const LOCK_OF_LIMITS = 1_870_002;
export const LOCK_OF_MIGRATIONS = 1_870_003;

/** Channel of changes: a payload is the id of a store and the name of a collection. */
export const CHANNEL = "o1_api";

/** Expired entries that each write deletes. */
const PURGE_ROWS = 100;

const TABLES = `
create sequence o1_api.versions;

create table o1_api.entries (
  collection text collate "C" not null,
  id text collate "C" not null,
  value text not null,
  version bigint not null,
  expires_at timestamptz,
  primary key (collection, id)
);
create index entries_by_expiry on o1_api.entries (expires_at) where expires_at is not null;

-- Frequent updates change no index, so that they stay on their page. The column held is the sum of
-- the leases; first_end and last_end are the first and the last of their ends.
create table o1_api.limits (
  name text collate "C" primary key,
  level double precision not null,
  at double precision not null,
  held double precision not null,
  first_end double precision,
  last_end double precision,
  expires_at double precision not null
) with (fillfactor = 50);

create table o1_api.leases (
  name text collate "C" not null,
  id text collate "C" not null,
  cost double precision not null,
  end_at double precision not null,
  primary key (name, id)
);
create index leases_by_end on o1_api.leases (name, end_at, cost);
`;

/**
 * Locks names until the transaction ends, also of rows that do not exist yet. The names share 1,024
 * locks, because the memory for locks is bounded. All transactions take them in the same order.
 */
const LOCK_NAMES = `
create function o1_api.lock_names(space int, names text[]) returns void language plpgsql as $$
declare
  bucket int;
begin
  for bucket in
    select distinct hashtext(n.name collate "C") & 1023 as b from unnest(names) as n(name) order by b
  loop
    perform pg_advisory_xact_lock(space, bucket);
  end loop;
end
$$;
`;

/**
 * Makes all changes and returns true, or none and returns false. `wanted` is a version, "" if the
 * entry must not exist, or null. `actions` are "set", "delete" and "check". `texts` holds the values
 * in UTF-8, of which `lengths` are the bytes. `ttls` are in ms, or null. `now_ms` is null except in
 * tests. The statements see what was committed before the locks were taken.
 */
const WRITE_ENTRIES = `
create function o1_api.write_entries(
  now_ms double precision, collections text[], ids text[], wanted text[], actions text[],
  texts bytea, lengths int[], ttls double precision[], notified text[]
) returns boolean language plpgsql as $$
declare
  present timestamptz;
  found_version text;
  next_version bigint;
  start int := 1;
begin
  perform o1_api.lock_names(
    ${LOCK_OF_ENTRIES},
    array(select k.collection || '/' || k.id from unnest(collections, ids) as k(collection, id))
  );
  present := coalesce(to_timestamp(now_ms / 1000), clock_timestamp());
  for i in 1 .. cardinality(ids) loop
    if wanted[i] is not null then
      found_version := null;
      select e.version::text into found_version from o1_api.entries e
        where e.collection = collections[i] and e.id = ids[i]
          and (e.expires_at is null or e.expires_at > present);
      if coalesce(found_version, '') <> wanted[i] then
        return false;
      end if;
    end if;
  end loop;
  next_version := nextval('o1_api.versions');
  for i in 1 .. cardinality(ids) loop
    if actions[i] = 'delete' or actions[i] = 'set' and ttls[i] <= 0 then
      delete from o1_api.entries e where e.collection = collections[i] and e.id = ids[i];
    elsif actions[i] = 'set' then
      insert into o1_api.entries values (
        collections[i], ids[i], convert_from(substr(texts, start, lengths[i]), 'UTF8'),
        next_version, present + least(ttls[i], 1e14) * interval '1 millisecond'
      )
      on conflict (collection, id) do update set
        value = excluded.value, version = excluded.version, expires_at = excluded.expires_at;
    end if;
    start := start + lengths[i];
  end loop;
  for i in 1 .. cardinality(notified) loop
    perform pg_notify('${CHANNEL}', notified[i]);
  end loop;
  -- Last and without waiting for other transactions, so that none can wait for this one in a circle.
  delete from o1_api.entries where ctid = any(array(
    select e.ctid from o1_api.entries e where e.expires_at <= present
      limit ${PURGE_ROWS} for update skip locked
  ));
  return true;
end
$$;
`;

/**
 * Returns a row for each limit: its account, the sum of its live leases, and those with the ids
 * `lease_ids` of the limits `lease_of`. A lease is live if it ends after the present, but not more
 * than a span of ms after it. `fronts` is how many of the live leases that end first are needed; it
 * grows by those that exceed the amount. If `locked`, the accounts stay locked until the transaction
 * ends.
 */
const LOAD_LIMITS = `
create function o1_api.load_limits(
  locked boolean, now_ms double precision, names text[], spans double precision[], fronts int[],
  amounts double precision[], lease_of int[], lease_ids text[]
) returns table (
  present double precision, level double precision, at double precision, held double precision,
  last_end double precision, has_expired boolean, leases json, front json
) language plpgsql as $$
declare
  present_ms double precision;
begin
  if locked then
    perform o1_api.lock_names(${LOCK_OF_LIMITS}, names);
  end if;
  present_ms := coalesce(now_ms, floor(extract(epoch from clock_timestamp()) * 1000));
  return query
  select present_ms, coalesce(l.level, 0), coalesce(l.at, 0),
    f.held, coalesce(case when l.is_stale then s.last_end else l.last_end end, 0),
    coalesce(l.is_stale and s.has_expired, false),
    (
      select coalesce(json_agg(json_build_array(e.id, e.cost, e.end_at)), '[]')
      from unnest(lease_of, lease_ids) as k(position, id)
      join lateral (
        select * from o1_api.leases e where e.name = a.name and e.id = k.id offset 0
      ) e on e.end_at > present_ms and e.end_at <= present_ms + a.span
      where k.position = a.position
    ),
    (
      select coalesce(json_agg(json_build_array(e.id, e.cost, e.end_at)), '[]') from (
        select * from o1_api.leases e
        where e.name = a.name and e.end_at > present_ms and e.end_at <= present_ms + a.span
        order by e.end_at
        limit case when a.front = 0 then 0 else a.front + greatest(0, f.held - a.amount)::int end
      ) e
    )
  from unnest(names, spans, fronts, amounts) with ordinality
    as a(name, span, front, amount, position)
  left join lateral (
    select *, l.first_end <= present_ms or l.last_end > present_ms + a.span as is_stale
    from o1_api.limits l where l.name = a.name offset 0
  ) l on true
  -- Reads the leases only if one may not be live.
  cross join lateral (
    select sum(e.cost) filter (where e.is_live) as held, max(e.end_at) filter (where e.is_live) as last_end,
      bool_or(not e.is_live) as has_expired
    from (
      select e.*, e.end_at > present_ms and e.end_at <= present_ms + a.span as is_live
      from o1_api.leases e where e.name = a.name and l.is_stale
    ) e
  ) s
  cross join lateral (
    select coalesce(case when l.is_stale then s.held else l.held end, 0) as held
  ) f
  order by a.position;
end
$$;
`;

/**
 * Writes limits that are locked. Has no effect after `deadline`, in ms since 1970. `expiries` is null
 * for a limit to delete. Leases of `purged` that are not live are deleted, then those of `removed`.
 */
const SAVE_LIMITS = `
create function o1_api.save_limits(
  deadline double precision,
  names text[], levels double precision[], ats double precision[], held double precision[],
  expiries double precision[], purged text[], purge_from double precision[], purge_to double precision[],
  removed text[], removed_ids text[],
  added text[], added_ids text[], added_costs double precision[], added_ends double precision[]
) returns void language plpgsql as $$
declare
  ends_from double precision;
  ends_to double precision;
begin
  if extract(epoch from clock_timestamp()) * 1000 > deadline then
    raise exception 'the time of this call is over' using errcode = 'query_canceled';
  end if;
  for i in 1 .. cardinality(purged) loop
    delete from o1_api.leases e
      where e.name = purged[i] and (e.end_at <= purge_from[i] or e.end_at > purge_to[i]);
  end loop;
  for i in 1 .. cardinality(removed) loop
    delete from o1_api.leases e where e.name = removed[i] and e.id = removed_ids[i];
  end loop;
  for i in 1 .. cardinality(added) loop
    insert into o1_api.leases values (added[i], added_ids[i], added_costs[i], added_ends[i])
    on conflict (name, id) do update set cost = excluded.cost, end_at = excluded.end_at;
  end loop;
  for i in 1 .. cardinality(names) loop
    if expiries[i] is null then
      delete from o1_api.limits l where l.name = names[i];
    else
      select min(e.end_at), max(e.end_at) into ends_from, ends_to
        from o1_api.leases e where e.name = names[i];
      insert into o1_api.limits values (
        names[i], levels[i], ats[i], case when ends_from is null then 0 else held[i] end,
        ends_from, ends_to, expiries[i]
      )
      on conflict (name) do update set
        level = excluded.level, at = excluded.at, held = excluded.held,
        first_end = excluded.first_end, last_end = excluded.last_end,
        expires_at = excluded.expires_at;
    end if;
  end loop;
end
$$;
`;

/** Deletes what has been of no use for a minute. Waits for no lock. `now_ms` is null except in tests. */
const PURGE_LIMITS = `
create function o1_api.purge_limits(now_ms double precision) returns void language plpgsql as $$
declare
  until double precision := coalesce(now_ms, extract(epoch from clock_timestamp()) * 1000) - 60000;
begin
  delete from o1_api.limits where ctid = any(array(
    select l.ctid from o1_api.limits l where l.expires_at <= until limit 1000 for update skip locked
  ));
  delete from o1_api.leases where ctid = any(array(
    select e.ctid from o1_api.leases e where e.end_at <= until limit 1000 for update skip locked
  ));
end
$$;
`;

/** The SQL that leads to each version of the tables, from 1. Never change one that was released. */
export const MIGRATIONS: readonly string[] = [
  [TABLES, LOCK_NAMES, WRITE_ENTRIES, LOAD_LIMITS, SAVE_LIMITS, PURGE_LIMITS].join("\n"),
];
