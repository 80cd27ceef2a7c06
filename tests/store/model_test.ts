import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Change } from "../../lib/store/store.ts";
import { contract, HOUR } from "./contract.ts";

const keys = fc.record({
  collection: fc.constantFrom("a", "b", "a:"),
  id: fc.constantFrom("", "1", "10", "2", "a", "~"),
});
const change = fc.record({
  key: keys,
  value: fc.option(fc.string({ unit: "grapheme" }), { freq: 4 }),
  life: fc.option(fc.integer({ min: -1, max: 3 })),
  wanted: fc.constantFrom("any", "any", "any", "null", "current", "stale"),
});
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ changes: fc.array(change, { maxLength: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ get: fc.array(keys, { maxLength: 4 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      list: fc.record({
        collection: fc.constantFrom("a", "b"),
        after: fc.constantFrom("", "1", "2", "5"),
        before: fc.constantFrom("10", "2", "z"),
        limit: fc.integer({ min: 0, max: 5 }),
        reverse: fc.boolean(),
      }, { requiredKeys: ["collection", "limit"] }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ hours: fc.integer({ min: 1, max: 2 }) }) },
);

interface Kept {
  collection: string;
  id: string;
  value: string;
  expiresAt: number;
}

contract("any run of actions does what it does to a plain map", async ({ store, now, pass }) => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const prefix = `${run++}/`;
      const real = <T extends { collection: string }>(at: T): T => ({
        ...at,
        collection: prefix + at.collection,
      });
      const model = new Map<string, Kept>();
      const live = (at: { collection: string; id: string }) => {
        const kept = model.get(`${at.collection}/${at.id}`);
        return kept && kept.expiresAt > now() ? kept : undefined;
      };
      for (const each of actions) {
        if ("hours" in each) pass(each.hours * HOUR);
        else if ("get" in each) {
          const found = await store.get(each.get.map(real));
          assertEquals(found.map((entry) => entry?.value), each.get.map((at) => live(at)?.value));
        } else if ("list" in each) {
          const { collection, after, before, limit, reverse } = each.list;
          const expected = [...model.values()]
            .filter((kept) => kept.collection === collection && live(kept))
            .filter(({ id }) => after === undefined || id > after)
            .filter(({ id }) => before === undefined || id < before)
            .sort((a, b) => (a.id < b.id ? -1 : 1));
          if (reverse) expected.reverse();
          const found = await store.list(real(each.list));
          assertEquals(
            found.map(({ id, value }) => [id, value]),
            expected.slice(0, limit).map(({ id, value }) => [id, value]),
          );
        } else {
          const named = new Map(
            each.changes.map((one) => [`${one.key.collection}/${one.key.id}`, one]),
          );
          const changes: Change[] = [];
          let holds = true;
          for (const { key, value, life, wanted } of named.values()) {
            const [entry] = await store.get([real(key)]);
            const ifVersion =
              { any: undefined, null: null, stale: "stale", current: entry?.version }[wanted];
            holds &&= ifVersion === undefined || ifVersion === (entry?.version ?? null);
            changes.push({
              key: real(key),
              ...value === null ? { delete: true } : { value },
              ...value !== null && life !== null && { expiresAt: now() + life * HOUR },
              ...ifVersion !== undefined && { ifVersion },
            } as Change);
          }
          assertEquals(await store.write(changes), holds);
          if (!holds) continue;
          for (const { key, value, life } of named.values()) {
            const expiresAt = life === null ? Infinity : now() + life * HOUR;
            if (value === null) model.delete(`${key.collection}/${key.id}`);
            else model.set(`${key.collection}/${key.id}`, { ...key, value, expiresAt });
          }
        }
      }
    }),
    { numRuns: 40 },
  );
});
