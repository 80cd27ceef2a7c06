/** Script of the thread of a store in a SQLite file. Its first message is the port of its calls. */
import { type Call, connect } from "../../thread_calls.ts";
import type { Change, Entry, EntryKey, Range } from "../store.ts";
import { openSqliteDatabase } from "./database.ts";
import { createEntries } from "./entries.ts";
import { createTexts, type Sent, type TextMethods } from "./texts.ts";

/** Methods that the main thread calls; `open` comes first. */
export type ThreadMethods = ReturnType<typeof createMethods>;

globalThis.addEventListener("message", (event) => {
  connect<TextMethods>((event as MessageEvent<MessagePort>).data, createMethods);
}, { once: true });

function createMethods(call: Call<TextMethods>) {
  const texts = createTexts(call);
  let database: Awaited<ReturnType<typeof openSqliteDatabase>>;
  let entries: ReturnType<typeof createEntries>;

  const sent = async (entry: Entry): Promise<Sent<Entry>> => ({
    ...entry,
    value: await texts.send(entry.value),
  });
  const received = (change: Sent<Change>): Change =>
    "value" in change ? { ...change, value: texts.receive(change.value) } : change;

  return {
    ...texts.methods,
    async open(path: string) {
      database = await openSqliteDatabase(path);
      entries = createEntries(database);
    },
    async get(now: number, keys: readonly EntryKey[]) {
      const found = await entries.get(now, keys);
      return await Promise.all(found.map((entry) => entry && sent(entry)));
    },
    async list(now: number, range: Range) {
      return await Promise.all((await entries.list(now, range)).map(sent));
    },
    write: (now: number, changes: readonly Sent<Change>[]) =>
      entries.write(now, changes.map(received)),
    close: () => database.close(),
  };
}
