/**
 * Calls between two threads over a message port, in both directions.
 *
 * @module
 */

/** What one side lets the other call; arguments and results are cloned. */
// deno-lint-ignore no-explicit-any -- what is called says what it takes
export type Doors = Record<string, (...args: any[]) => unknown>;

/** The calls of one side. */
export interface Calls<Theirs extends Doors> {
  /** Calls the other side; rejects with what it throws, or with why the connection was ended. */
  call<Name extends keyof Theirs & string>(
    name: Name,
    ...args: Parameters<Theirs[Name]>
  ): Promise<Awaited<ReturnType<Theirs[Name]>>>;
  /** Ends the connection: calls that wait are rejected with this, and later ones too. */
  close(reason: Error): void;
}

type Message =
  | { id: number; name: string; args: unknown[] }
  | { id: number; result: unknown }
  | { id: number; error: unknown };

/** Connects one side. */
export function createCalls<Theirs extends Doors>(port: MessagePort, ours: Doors): Calls<Theirs> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let closed: Error | undefined;
  let calls = 0;

  async function answer(id: number, name: string, args: unknown[]): Promise<void> {
    let message: Message;
    try {
      message = { id, result: await ours[name]!(...args) };
    } catch (error) {
      message = { id, error };
    }
    if (closed === undefined) port.postMessage(message);
  }

  port.onmessage = ({ data }: MessageEvent<Message>) => {
    if ("name" in data) return void answer(data.id, data.name, data.args);
    const one = waiting.get(data.id);
    waiting.delete(data.id);
    if ("error" in data) one?.reject(data.error);
    else one?.resolve(data.result);
  };

  return {
    call(name, ...args) {
      if (closed !== undefined) return Promise.reject(closed);
      const id = calls++;
      // What is not cloned throws here, before anything waits for an answer.
      port.postMessage({ id, name, args });
      const one = Promise.withResolvers<unknown>();
      waiting.set(id, one);
      return one.promise as ReturnType<Calls<Theirs>["call"]> as never;
    },
    close(reason) {
      closed ??= reason;
      port.close();
      for (const one of waiting.values()) one.reject(closed);
      waiting.clear();
    },
  };
}
