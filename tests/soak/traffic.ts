/**
 * The traffic of a client: a random mix of dialects, strategies and behaviours, from a seed.
 *
 * @module
 */
import type { Answer, Ask, Client } from "./client.ts";
import { STRATEGIES } from "./server.ts";

/** A response that the server has acknowledged. */
export interface StoredResponse {
  id: string;
  who: Ask["who"];
  /** JSON of the output that the client received; undefined for background responses. */
  output?: string;
}

/** What the server must have stored after the traffic. */
export interface Expected {
  /** Completed responses. */
  responses: StoredResponse[];
  background: StoredResponse[];
  deleted: StoredResponse[];
  /** Conversations and the ids of their items. */
  conversations: Map<string, { who: Ask["who"]; items: string[] }>;
  /** Number of answers with 429 for the client that exceeds its limits. */
  rejected: number;
  /** Faults that are visible at once. */
  faults: string[];
}

export const createExpected = (): Expected => ({
  responses: [],
  background: [],
  deleted: [],
  conversations: new Map(),
  rejected: 0,
  faults: [],
});

export interface TrafficOptions {
  client: Client;
  /** Returns a number in [0, 1). */
  random: () => number;
  /** Updated with every answer. */
  expected: Expected;
  isRunning: () => boolean;
}

/** Length of a chain of responses. */
const CHAIN = 6;

/** Sends requests in sequence. */
export async function sendTraffic(
  { client, random, expected, isRunning }: TrafficOptions,
): Promise<void> {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const chance = (probability: number) => random() < probability;
  let previous: { id: string; length: number } | undefined;
  let conversation: { id: string; turns: number } | undefined;

  /** Wild clients disconnect, read slowly and cancel; calm ones read every answer. */
  function behaviour(isWild: boolean): Pick<Ask, "disconnectMs" | "readDelayMs"> {
    if (!isWild) return {};
    return {
      disconnectMs: chance(0.5) ? Math.floor(random() ** 2 * 400) : undefined,
      readDelayMs: chance(0.3) ? 20 + Math.floor(random() * 80) : undefined,
    };
  }

  function record({ entry, json }: Answer, ask: Ask): void {
    if (ask.who === "tight" && entry.status === 429) expected.rejected++;
    if (entry.dialect !== "responses" || !entry.complete || entry.error !== undefined) return;
    if (json?.status !== "completed" || ask.body?.store === false) return;
    expected.responses.push({ id: json.id, who: ask.who, output: JSON.stringify(json.output) });
  }

  async function send(ask: Ask): Promise<Answer> {
    const answer = await client.ask(ask);
    record(answer, ask);
    const { entry } = answer;
    if (entry.status === 429 && answer.headers.get("retry-after") === null) {
      expected.faults.push(`request ${entry.number}: 429 without retry-after`);
    }
    return answer;
  }

  async function respond(who: "calm" | "wild", model: string, stream: boolean): Promise<void> {
    const body: Record<string, unknown> = { model, stream, input: "% What is 2 + 2?" };
    const choice = random();
    if (choice < 0.2 && previous !== undefined) body.previous_response_id = previous.id;
    else if (choice < 0.4) {
      if (conversation === undefined) {
        const { entry, json } = await client.ask({ who, path: "/conversations", body: {} });
        if (entry.status !== 200) return;
        conversation = { id: json.id, turns: 0 };
        expected.conversations.set(json.id, { who, items: [] });
      }
      body.conversation = conversation.id;
    } else if (choice < 0.5) body.store = false;
    const { entry, json } = await send({
      who,
      path: "/responses",
      body,
      ...behaviour(who === "wild"),
    });
    const isDone = entry.complete && entry.error === undefined && json?.status === "completed";
    if (!isDone) return;
    if (body.store !== false) {
      const length = body.previous_response_id === undefined ? 1 : previous!.length + 1;
      previous = length < CHAIN ? { id: json.id, length } : undefined;
    }
    if (body.conversation !== undefined && conversation !== undefined) {
      const items = json.output.map(({ id }: { id: string }) => id);
      expected.conversations.get(conversation.id)!.items.push(...items);
      if (++conversation.turns >= CHAIN) conversation = undefined;
    }
    if (who === "wild" && chance(0.1) && body.conversation === undefined) {
      const { entry } = await client.ask({ who, method: "DELETE", path: `/responses/${json.id}` });
      if (previous?.id === json.id) previous = undefined;
      expected.responses = expected.responses.filter(({ id }) => id !== json.id);
      if (entry.status === 200) expected.deleted.push({ id: json.id, who });
    }
  }

  async function background(who: "calm" | "wild", model: string, stream: boolean): Promise<void> {
    const body = { model, stream, background: true, input: "% What is 2 + 2?" };
    const { json, entry } = await client.ask({
      who,
      path: "/responses",
      body,
      ...behaviour(who === "wild"),
    });
    if (json?.id === undefined || entry.status !== 200) return;
    const { id } = json;
    expected.background.push({ id, who });
    const path = `/responses/${id}`;
    if (who === "wild" && chance(0.3)) {
      await client.ask({ who, path: `${path}/cancel`, body: {} });
    } else if (chance(0.3)) {
      await client.ask({
        who,
        method: "GET",
        path: `${path}?stream=true`,
        ...behaviour(who === "wild"),
      });
    } else if (chance(0.5)) await client.ask({ who, method: "GET", path });
  }

  // Chains and conversations belong to a key, so a client uses only one.
  const who = chance(0.5) ? "calm" : "wild";
  while (isRunning()) {
    const strategy = pick(STRATEGIES);
    const model = `${who}-${strategy}`;
    const stream = chance(0.6);
    const choice = random();
    const messages = [{ role: "user", content: "% What is 2 + 2?" }];
    if (choice < 0.05) {
      const body = { model: "calm-direct", stream, messages };
      await send({ who: "tight", path: "/chat/completions", body });
    } else if (choice < 0.35) {
      const options = stream ? { stream_options: { include_usage: true } } : {};
      const body = { model, stream, messages, ...options };
      await send({ who, path: "/chat/completions", body, ...behaviour(who === "wild") });
    } else if (choice < 0.55) {
      const body = { model, stream, max_tokens: 1000, messages };
      await send({ who, path: "/messages", body, ...behaviour(who === "wild") });
    } else if (choice < 0.9) await respond(who, model, stream);
    else if (choice < 0.97) await background(who, model, stream);
    else if (choice < 0.985) await client.ask({ who, method: "GET", path: "/models" });
    else await client.ask({ who, path: "/chat/completions", body: { model: "none", messages } });
    await new Promise((resolve) => setTimeout(resolve, Math.floor(random() * 60)));
  }
}
