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
const actions = fc.oneof(
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

interface ModelEntry {
  collection: string;
  id: string;
  value: string;
  expiresAt: number;
}

contract(
  "any sequence of actions gives the results of a plain map",
  async ({ store, now, pass }) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(actions, { maxLength: 40 }), async (sequence) => {
        const owner = run++;
        const real = <T extends { collection: string }>(at: T): T => ({
          ...at,
          collection: `${at.collection}/${owner}`,
        });
        const model = new Map<string, ModelEntry>();
        const live = (at: { collection: string; id: string }) => {
          const kept = model.get(`${at.collection}/${at.id}`);
          return kept && kept.expiresAt > now() ? kept : undefined;
        };
        for (const action of sequence) {
          if ("hours" in action) pass(action.hours * HOUR);
          else if ("get" in action) {
            const found = await store.get(action.get.map(real));
            assertEquals(
              found.map((entry) => entry?.value),
              action.get.map((at) => live(at)?.value),
            );
          } else if ("list" in action) {
            const { collection, after, before, limit, reverse } = action.list;
            const expected = [...model.values()]
              .filter((kept) => kept.collection === collection && live(kept))
              .filter(({ id }) => after === undefined || id > after)
              .filter(({ id }) => before === undefined || id < before)
              .sort((a, b) => (a.id < b.id ? -1 : 1));
            if (reverse) expected.reverse();
            const found = await store.list(real(action.list));
            assertEquals(
              found.map(({ id, value }) => [id, value]),
              expected.slice(0, limit).map(({ id, value }) => [id, value]),
            );
          } else {
            const named = new Map(
              action.changes.map((change) => [`${change.key.collection}/${change.key.id}`, change]),
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
                ...value !== null && life !== null && { ttlMs: life * HOUR },
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
  },
);
