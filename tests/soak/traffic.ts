/**
 * What the clients do, each by its own seed: a mix of all dialects, strategies and manners.
 *
 * @module
 */
import type { Answer, Ask, Client } from "./client.ts";
import { STRATEGIES } from "./server.ts";

/** A response that the server has acknowledged. */
export interface Kept {
  /** Its id. */
  id: string;
  /** Whose it is. */
  who: Ask["who"];
  /** Its output as the client saw it, as JSON; undefined for one that was made without its client. */
  output?: string;
}

/** What the server owes its clients after the traffic. */
export interface Owed {
  /** Completed responses. */
  kept: Kept[];
  /** Responses that run, or ran, without their clients. */
  background: Kept[];
  /** Responses that were deleted. */
  deleted: Kept[];
  /** Conversations, and the items that were said to be in them. */
  conversations: Map<string, { who: Ask["who"]; items: string[] }>;
  /** Refusals of a client over its limits. */
  refused: number;
  /** What was wrong at once. */
  faults: string[];
}

/** Creates an empty account. */
export const createOwed = (): Owed => ({
  kept: [],
  background: [],
  deleted: [],
  conversations: new Map(),
  refused: 0,
  faults: [],
});

/** How a client behaves. */
export interface TrafficOptions {
  /** Sends the requests. */
  client: Client;
  /** Its chance. */
  random: () => number;
  /** What is owed. */
  owed: Owed;
  /** Whether it goes on. */
  goesOn: () => boolean;
}

/** Answers that a chain of responses goes on from. */
const CHAIN = 6;

/** Sends one request after the other. */
export async function sendTraffic({ client, random, owed, goesOn }: TrafficOptions): Promise<void> {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const chance = (share: number) => random() < share;
  let previous: { id: string; length: number } | undefined;
  let conversation: { id: string; turns: number } | undefined;

  /** The wild leave, dawdle and cancel; the calm read all. */
  function manners(isWild: boolean): Pick<Ask, "leaveMs" | "slowMs"> {
    if (!isWild) return {};
    return {
      leaveMs: chance(0.5) ? Math.floor(random() ** 2 * 400) : undefined,
      slowMs: chance(0.3) ? 20 + Math.floor(random() * 80) : undefined,
    };
  }

  function note({ entry, json }: Answer, ask: Ask): void {
    if (ask.who === "tight" && entry.status === 429) owed.refused++;
    if (entry.dialect !== "responses" || !entry.whole || entry.error !== undefined) return;
    if (json?.status !== "completed" || ask.body?.store === false) return;
    owed.kept.push({ id: json.id, who: ask.who, output: JSON.stringify(json.output) });
  }

  async function send(ask: Ask): Promise<Answer> {
    const answer = await client.ask(ask);
    note(answer, ask);
    const { entry } = answer;
    if (entry.status === 429 && answer.headers.get("retry-after") === null) {
      owed.faults.push(`request ${entry.number}: 429 without retry-after`);
    }
    return answer;
  }

  async function respond(who: "calm" | "wild", model: string, stream: boolean): Promise<void> {
    const body: Record<string, unknown> = { model, stream, input: "% What is 2 + 2?" };
    const way = random();
    if (way < 0.2 && previous !== undefined) body.previous_response_id = previous.id;
    else if (way < 0.4) {
      if (conversation === undefined) {
        const { entry, json } = await client.ask({ who, path: "/conversations", body: {} });
        if (entry.status !== 200) return;
        conversation = { id: json.id, turns: 0 };
        owed.conversations.set(json.id, { who, items: [] });
      }
      body.conversation = conversation.id;
    } else if (way < 0.5) body.store = false;
    const { entry, json } = await send({
      who,
      path: "/responses",
      body,
      ...manners(who === "wild"),
    });
    const isDone = entry.whole && entry.error === undefined && json?.status === "completed";
    if (!isDone) return;
    if (body.store !== false) {
      const length = body.previous_response_id === undefined ? 1 : previous!.length + 1;
      previous = length < CHAIN ? { id: json.id, length } : undefined;
    }
    if (body.conversation !== undefined && conversation !== undefined) {
      const items = json.output.map(({ id }: { id: string }) => id);
      owed.conversations.get(conversation.id)!.items.push(...items);
      if (++conversation.turns >= CHAIN) conversation = undefined;
    }
    if (who === "wild" && chance(0.1) && body.conversation === undefined) {
      const { entry } = await client.ask({ who, method: "DELETE", path: `/responses/${json.id}` });
      if (previous?.id === json.id) previous = undefined;
      owed.kept = owed.kept.filter(({ id }) => id !== json.id);
      if (entry.status === 200) owed.deleted.push({ id: json.id, who });
    }
  }

  async function background(who: "calm" | "wild", model: string, stream: boolean): Promise<void> {
    const body = { model, stream, background: true, input: "% What is 2 + 2?" };
    const { json, entry } = await client.ask({
      who,
      path: "/responses",
      body,
      ...manners(who === "wild"),
    });
    if (json?.id === undefined || entry.status !== 200) return;
    const { id } = json;
    owed.background.push({ id, who });
    const path = `/responses/${id}`;
    if (who === "wild" && chance(0.3)) {
      await client.ask({ who, path: `${path}/cancel`, body: {} });
    } else if (chance(0.3)) {
      await client.ask({
        who,
        method: "GET",
        path: `${path}?stream=true`,
        ...manners(who === "wild"),
      });
    } else if (chance(0.5)) await client.ask({ who, method: "GET", path });
  }

  // Chains and conversations are their owner's, so that a client keeps to one key.
  const who = chance(0.5) ? "calm" : "wild";
  while (goesOn()) {
    const strategy = pick(STRATEGIES);
    const model = `${who}-${strategy}`;
    const stream = chance(0.6);
    const way = random();
    const messages = [{ role: "user", content: "% What is 2 + 2?" }];
    if (way < 0.05) {
      const body = { model: "calm-direct", stream, messages };
      await send({ who: "tight", path: "/chat/completions", body });
    } else if (way < 0.35) {
      const options = stream ? { stream_options: { include_usage: true } } : {};
      const body = { model, stream, messages, ...options };
      await send({ who, path: "/chat/completions", body, ...manners(who === "wild") });
    } else if (way < 0.55) {
      const body = { model, stream, max_tokens: 1000, messages };
      await send({ who, path: "/messages", body, ...manners(who === "wild") });
    } else if (way < 0.9) await respond(who, model, stream);
    else if (way < 0.97) await background(who, model, stream);
    else if (way < 0.985) await client.ask({ who, method: "GET", path: "/models" });
    else await client.ask({ who, path: "/chat/completions", body: { model: "none", messages } });
    await new Promise((resolve) => setTimeout(resolve, Math.floor(random() * 60)));
  }
}
