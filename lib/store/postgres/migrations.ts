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
export const LOCK_OF_LIMITS = 1_870_002;
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
 * Earlier programs made the table `limits` in version 1, in other forms. It stays for those that still
 * run, whose charges from then on count apart. Its accounts are copied, so that budgets are kept.
 */
const LIMIT_VALUES = `
-- An account or a lease as JSON. Frequent updates change no index, so that they stay on their page.
create table o1_api.limit_values (
  name text collate "C" primary key,
  value text not null,
  expires_at double precision not null
) with (fillfactor = 50);

do $$
begin
  if to_regclass('o1_api.limits') is not null then
    insert into o1_api.limit_values
      select l.name, coalesce(
        to_jsonb(l) ->> 'value',
        jsonb_build_object('level', to_jsonb(l) -> 'level', 'at', to_jsonb(l) -> 'at')::text
      ), l.expires_at from o1_api.limits l;
  end if;
end
$$;
`;

/** Writes values, and deletes those whose expiry is null. `deadline` is in ms since 1970, or null. */
const SAVE_LIMIT_VALUES = `
create function o1_api.save_limit_values(
  deadline double precision, names text[], new_values text[], expiries double precision[]
) returns void language plpgsql as $$
begin
  if extract(epoch from clock_timestamp()) * 1000 > deadline then
    raise exception 'the time of this call is over' using errcode = 'query_canceled';
  end if;
  delete from o1_api.limit_values l where l.name = any(array(
    select n.name from unnest(names, expiries) as n(name, expiry) where n.expiry is null
  ));
  insert into o1_api.limit_values
    select * from unnest(names, new_values, expiries) as n(name, value, expiry)
      where n.expiry is not null
    on conflict (name) do update set value = excluded.value, expires_at = excluded.expires_at;
end
$$;
`;

/** The SQL that leads to each version of the tables, from 1. Never change one that was released. */
export const MIGRATIONS: readonly string[] = [
  [TABLES, LOCK_NAMES, WRITE_ENTRIES].join("\n"),
  [LIMIT_VALUES, SAVE_LIMIT_VALUES].join("\n"),
];
