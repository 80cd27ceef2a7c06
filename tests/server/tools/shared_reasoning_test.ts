import { assertEquals } from "@std/assert";
import { createVault } from "../../../lib/vault.ts";
import { createSharedToolReasoning } from "../../../lib/server/tools/shared_reasoning.ts";
import { createMemoryStore } from "../../../lib/store/memory/store.ts";
import { createToolReasoning } from "../../../lib/upstream/tool_reasoning.ts";
import { createFakeClock, passing } from "../../support/clock.ts";
import { waitUntil } from "../../support/wait.ts";

type Answers = "yes" | "never" | "error";

function setUp() {
  const fake = createFakeClock();
  const { clock } = fake;
  const store = createMemoryStore({ now: clock.date });
  let answers: Answers = "yes";
  let calls = 0;
  const answer = <T>(work: () => Promise<T>): Promise<T> => {
    calls++;
    if (answers === "yes") return work();
    return answers === "never" ? new Promise(() => {}) : Promise.reject(new Error("down"));
  };
  return {
    fake,
    store,
    calls: () => calls,
    setAnswers: (next: Answers) => answers = next,
    /** Creates another server. */
    server: (secret = "secret") => {
      const vault = createVault(secret, "o1-api tool reasoning");
      return createSharedToolReasoning({
        local: createToolReasoning(),
        store: {
          get: (keys) => answer(() => store.get(keys)),
          write: (changes) => answer(() => store.write(changes)),
        },
        vault: () => vault,
        clock,
      });
    },
  };
}

Deno.test("another server finds remembered reasoning for the same owner and secret", async () => {
  const { server, store } = setUp();
  const [a, b, c, d] = [server(), server(), server("another secret"), server()];
  await a.remember("alice", ["call 1", "call 2"], "Because.");
  assertEquals(b.find("alice", "call 1"), undefined);
  await b.load!("alice", ["unknown", "call 1"]);
  assertEquals(b.find("alice", "call 1"), "Because.");
  for (const [memory, owner] of [[c, "alice"], [d, "bob"]] as const) {
    await memory.load!(owner, ["call 1"]);
    assertEquals(memory.find(owner, "call 1"), undefined);
  }
  const [entry] = await store.list({ collection: "tool-reasoning/alice", limit: 9 });
  assertEquals(/Because|call 1/.test(entry!.value), false);
});

Deno.test("only unknown reasoning is loaded, and only for the end of a long conversation", async () => {
  const { server, calls } = setUp();
  const [a, b] = [server(), server()];
  const keys = Array.from({ length: 150 }, (_, index) => `call ${index}`);
  await a.remember("alice", [keys[0]!], "first");
  await a.remember("alice", [keys[149]!], "last");
  await b.load!("alice", keys);
  assertEquals([b.find("alice", keys[0]!), b.find("alice", keys[149]!)], [undefined, "last"]);
  const before = calls();
  await b.load!("alice", [keys[149]!]);
  await b.load!("alice", []);
  assertEquals(calls(), before);
});

Deno.test("shared reasoning is bounded in size, number and time", async () => {
  const { server, store, fake } = setUp();
  const a = server();
  await a.remember("alice", ["long"], "x".repeat(262_145));
  assertEquals(a.find("alice", "long")?.length, 262_145);
  assertEquals(await store.list({ collection: "tool-reasoning/alice", limit: 9 }), []);
  for (let i = 0; i < 6_000; i++) await a.remember("alice", [`call ${i}`], "r");
  const collection = { collection: "tool-reasoning/alice", limit: 10_000 };
  const entries = await store.list(collection);
  assertEquals(entries.length > 2_000 && entries.length <= 4_096, true, `${entries.length}`);
  await fake.advance(24 * 3_600_000);
  assertEquals(await store.list(collection), []);
});

for (const broken of ["never", "error"] as const) {
  Deno.test(`a store that answers ${broken} delays a call by at most 1 s, and the next ones not at all`, async () => {
    const { server, setAnswers, calls, fake } = setUp();
    const [a, b] = [server(), server()];
    await a.remember("alice", ["call 1"], "Because.");
    setAnswers(broken);
    const begun = fake.clock.now();
    await passing(fake, b.load!("alice", ["call 1"]));
    await passing(fake, Promise.resolve(a.remember("alice", ["call 2"], "So.")));
    assertEquals(fake.clock.now() - begun <= 2_200, true);
    assertEquals([b.find("alice", "call 1"), a.find("alice", "call 2")], [undefined, "So."]);
    // The clock stands still.
    await b.load!("alice", ["call 1"]);
    await a.remember("alice", ["call 3"], "So.");
    // Calls that nobody waits for any more still encrypt what they send.
    await waitUntil("all calls of the store", () => calls() === 5);
    setAnswers("yes");
    await fake.advance(2_000);
    await b.load!("alice", ["call 1"]);
    assertEquals(b.find("alice", "call 1"), "Because.");
    assertEquals(fake.pending(), 0);
  });
}
