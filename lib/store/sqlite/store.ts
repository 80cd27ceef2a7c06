import { connect } from "../../thread_calls.ts";
import { createStore, pollForChanges } from "../backend.ts";
import type { Change, Entry, Store } from "../store.ts";
import { createTexts, type Sent, type TextMethods } from "./texts.ts";
import type { ThreadMethods } from "./worker.ts";

/**
 * Opens a store in a SQLite file, which other processes may share. It runs in a thread of its own,
 * which ends when the store is closed: SQLite is synchronous, and writing 20 MB takes half a second.
 *
 * @param now returns ms since 1970
 * @throws {Error} if the file cannot be read and written
 */
export async function openSqliteStore(
  { path, now }: { path: string; now: () => number },
): Promise<Store> {
  const thread = new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "sqlite",
  });
  const { port1, port2 } = new MessageChannel();
  let texts!: ReturnType<typeof createTexts>;
  const { call, close } = connect<ThreadMethods & TextMethods>(port1, (call) => {
    texts = createTexts(call);
    return texts.methods;
  });

  function end(reason: string): void {
    thread.terminate();
    close(new Error(reason));
  }

  thread.onerror = (event) => {
    // Otherwise the whole process exits.
    event.preventDefault();
    end(`The thread of the database ended: ${event.message}`);
  };
  thread.postMessage(port2, [port2]);
  try {
    await call("open", path);
  } catch (error) {
    end("The database cannot be opened");
    throw error;
  }

  const received = (entry: Sent<Entry>): Entry => ({ ...entry, value: texts.receive(entry.value) });

  async function sent(change: Change): Promise<Sent<Change>> {
    return "value" in change ? { ...change, value: await texts.send(change.value) } : change;
  }

  return createStore({
    kind: "sqlite",
    async get(keys) {
      const entries = await call("get", now(), keys);
      return entries.map((entry) => entry && received(entry));
    },
    list: async (range) => (await call("list", now(), range)).map(received),
    write: async (changes) => await call("write", now(), await Promise.all(changes.map(sent))),
    watch: pollForChanges,
    now,
    async close() {
      await call("close");
      end("The database is closed");
    },
  });
}
