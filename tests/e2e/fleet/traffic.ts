/** Mixed traffic through the balancer, and what became of it. */
import { parseStream } from "../../support/app.ts";
import { answerOf, questionOf } from "./upstream.ts";
import { BUDGET_KEY, TOKEN } from "./servers.ts";

export type Kind =
  | "JSON"
  | "stream"
  | "Messages"
  | "background"
  | "conversation"
  | "tool loop"
  | "budget";

export interface Outcome {
  kind: Kind;
  /** Of its question, and so of its upstream calls. */
  id: string;
  /** On the clock of `performance`. */
  begunAt: number;
  endedAt: number;
  /** Undefined for success; "cut" for an answer that ended early. */
  failure?: string;
}

/** What a client was promised and did not find later. */
export interface Loss {
  /** Of the question. */
  id: string;
  what: string;
}

export interface Traffic {
  outcomes: readonly Outcome[];
  lost: readonly Loss[];
  /** Stops new requests; resolves when the last one has ended. */
  stop(): Promise<void>;
}

/** Number of clients of each kind. */
export const MIXED: Readonly<Partial<Record<Kind, number>>> = {
  JSON: 2,
  stream: 6,
  Messages: 2,
  background: 4,
  conversation: 2,
  "tool loop": 1,
  budget: 6,
};

const THINK_MS = 150;
const BUDGET_THINK_MS = 500;

/** Longer than any answer, including repeated ones. */
const LIMIT_MS = 60_000;

/** A failure that the table names. */
class Failure extends Error {}

// deno-lint-ignore no-explicit-any -- answers of the API
type Json = any;

/**
 * @param timesAsked how often the upstream was asked a question: more than once if a server was
 *   killed before it answered, because the balancer repeats the request.
 */
export function startTraffic(
  url: string,
  numbers = MIXED,
  timesAsked: (id: string) => number = () => 1,
): Traffic {
  const outcomes: Outcome[] = [];
  const lost: Loss[] = [];
  let isStopping = false;
  let count = 0;

  async function send(path: string, body?: object, key = TOKEN): Promise<Response> {
    const response = await fetch(`${url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    if (response.ok) return response;
    const text = await response.text();
    const code = /"code":"(\w+)"/.exec(text)?.[1];
    throw new Failure(`${response.status}${code === undefined ? "" : ` ${code}`}`);
  }

  async function json(path: string, body?: object, key?: string): Promise<Json> {
    const response = await send(path, body, key);
    const text = await response.text().catch(() => {
      throw new Failure("cut");
    });
    return JSON.parse(text);
  }

  const chatOf = (id: string, seconds?: number) => ({
    model: "m",
    max_tokens: 40,
    messages: [{ role: "user", content: questionOf(id, seconds) }],
  });

  function expect(text: string, id: string): void {
    if (text !== answerOf(id)) throw new Failure(`wrong answer: ${text.slice(0, 60)}`);
  }

  /** Repeats a read that fails, as a client does that wants to know what became of its work. */
  async function patiently<T>(read: () => Promise<T>): Promise<T> {
    for (const end = performance.now() + LIMIT_MS;;) {
      try {
        return await read();
      } catch (error) {
        if (performance.now() > end || /^4/.test((error as Error).message)) throw error;
      }
      await pause(500);
    }
  }

  const kinds: Readonly<Record<Kind, (id: string) => Promise<void>>> = {
    async JSON(id) {
      const { choices } = await json("/chat/completions", chatOf(id));
      expect(choices[0].message.content, id);
    },
    async stream(id) {
      // Some are long, so that every fault meets open streams.
      const body = { ...chatOf(id, count % 2 === 0 ? 4 : 1), stream: true };
      const response = await send("/chat/completions", body);
      const text = await response.text().catch(() => "");
      const stream = text === ""
        ? undefined
        : parseStream(text.slice(0, text.lastIndexOf("\n\n") + 2));
      if (stream?.error !== undefined) throw new Failure(`cut: ${stream.error.code}`);
      if (!stream?.done) throw new Failure("cut");
      expect(stream.content, id);
    },
    async Messages(id) {
      const { content } = await json("/messages", chatOf(id));
      expect(content.findLast(({ type }: Json) => type === "text").text, id);
    },
    async background(id) {
      const body = { model: "m", background: true, input: questionOf(id, 2) };
      const { id: responseId } = await json("/responses", body);
      try {
        for (let status = "queued"; status !== "completed";) {
          await pause(300);
          const response = await patiently(() => json(`/responses/${responseId}`));
          ({ status } = response);
          if (status === "completed") expect(textOf(response), id);
          else if (status !== "queued" && status !== "in_progress") throw new Failure(status);
        }
      } catch (error) {
        lost.push({ id, what: `background response: ${(error as Error).message}` });
      }
    },
    async conversation(id) {
      const { id: conversation } = await json("/conversations", {});
      const acknowledged: string[] = [];
      let failure: unknown;
      for (let turn = 0; turn < 3; turn++) {
        const question = `${id}-turn${turn}`;
        const body = { model: "m", conversation, input: questionOf(question) };
        try {
          const response = await json("/responses", body);
          expect(textOf(response), question);
          // An answer may say that it could not be stored.
          if (response.store !== false) acknowledged.push(question);
        } catch (error) {
          failure = error;
        }
      }
      const items = await patiently(() => json(`/conversations/${conversation}/items?limit=100`));
      const stored = JSON.stringify(items);
      for (const question of acknowledged) {
        for (const text of [questionOf(question), answerOf(question)]) {
          const count = stored.split(`"${text}"`).length - 1;
          if (count === 0) lost.push({ id: question, what: "conversation turn" });
          if (count > timesAsked(question)) {
            lost.push({ id: question, what: `conversation turn, stored ${count} times` });
          }
        }
      }
      if (failure !== undefined) throw failure;
    },
    async "tool loop"(id) {
      const content = `${questionOf(id)} tools=3`;
      const messages: Json[] = [{ role: "user", content }];
      for (let turn = 0;; turn++) {
        const { choices } = await json("/chat/completions", { model: "m", messages });
        const { role, content, tool_calls } = choices[0].message;
        if (turn === 3) return expect(content, id);
        messages.push({ role, content, tool_calls });
        messages.push({ role: "tool", tool_call_id: tool_calls[0].id, content: "1" });
      }
    },
    async budget(id) {
      const { choices } = await json("/chat/completions", chatOf(id, 4), BUDGET_KEY);
      expect(choices[0].message.content, id);
    },
  };

  async function client(kind: Kind): Promise<void> {
    while (!isStopping) {
      const id = `${kind.replace(" ", "")}${++count}`;
      const begunAt = performance.now();
      let failure: string | undefined;
      try {
        await kinds[kind](id);
      } catch (error) {
        failure = error instanceof Failure
          ? error.message
          : `connection: ${(error as Error).message}`;
      }
      const endedAt = performance.now();
      outcomes.push({ kind, id, begunAt, endedAt, ...(failure !== undefined && { failure }) });
      await pause(kind === "budget" ? BUDGET_THINK_MS : THINK_MS);
    }
  }

  const clients = Object.entries(numbers).flatMap(([kind, number]) =>
    Array.from({ length: number }, () => client(kind as Kind))
  );
  return {
    outcomes,
    lost,
    async stop() {
      isStopping = true;
      await Promise.all(clients);
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function textOf({ output }: Json): string {
  return output.findLast(({ type }: Json) => type === "message").content[0].text;
}
