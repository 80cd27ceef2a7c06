/**
 * Calls between two threads over a message port, in both directions.
 *
 * @module
 */

// deno-lint-ignore no-explicit-any -- each method declares its own parameters
export type Methods = Record<string, (...args: any[]) => unknown>;

/**
 * Calls a method of the other thread with cloned arguments. Rejects with what it throws, and if the
 * arguments or the result can't be cloned.
 */
export type Call<Theirs extends Methods> = <Name extends keyof Theirs & string>(
  name: Name,
  ...args: Parameters<Theirs[Name]>
) => Promise<Awaited<ReturnType<Theirs[Name]>>>;

export interface Connection<Theirs extends Methods> {
  call: Call<Theirs>;
  /** Closes the port; pending and later calls are rejected with the reason. */
  close(reason: Error): void;
}

type Message =
  | { id: number; name: string; args: unknown[] }
  | { id: number; result: unknown }
  | { id: number; error: unknown; properties: object };

/** @param createMethods returns the methods that the other thread may call. */
export function connect<Theirs extends Methods>(
  port: MessagePort,
  createMethods: (call: Call<Theirs>) => Methods,
): Connection<Theirs> {
  const pending = new Map<number, PromiseWithResolvers<unknown>>();
  let closed: Error | undefined;
  let lastId = 0;

  const call: Call<Theirs> = (name, ...args) => {
    if (closed !== undefined) return Promise.reject(closed);
    const id = ++lastId;
    try {
      port.postMessage({ id, name, args });
    } catch (error) {
      return Promise.reject(error);
    }
    const answer = Promise.withResolvers<unknown>();
    pending.set(id, answer);
    return answer.promise as Promise<never>;
  };
  const methods = createMethods(call);

  async function answer(id: number, name: string, args: unknown[]): Promise<void> {
    let message: Message;
    try {
      message = { id, result: await methods[name]!(...args) };
    } catch (error) {
      // A clone of an error lacks them; one is the code of a database's driver.
      message = { id, error, properties: error instanceof Error ? { ...error } : {} };
    }
    if (closed !== undefined) return;
    try {
      port.postMessage(message);
    } catch (error) {
      // It can't be cloned; the caller must not wait for ever.
      const message = `The answer of ${name}() can't be sent: ${error}`;
      port.postMessage({ id, error: new Error(message), properties: {} });
    }
  }

  port.onmessage = ({ data }: MessageEvent<Message>) => {
    if ("name" in data) return void answer(data.id, data.name, data.args);
    const waiting = pending.get(data.id);
    pending.delete(data.id);
    if ("error" in data) {
      if (data.error instanceof Error) Object.assign(data.error, data.properties);
      waiting?.reject(data.error);
    } else waiting?.resolve(data.result);
  };

  return {
    call,
    close(reason) {
      closed ??= reason;
      port.close();
      for (const { reject } of pending.values()) reject(closed);
      pending.clear();
    },
  };
}
