/**
 * Tells what an upstream call asks for by the prompt that it holds.
 *
 * @module
 */
import { commonPrompts, sharedPrompts } from "../../lib/reasoning/prompts.ts";
import { strategies } from "../../lib/reasoning/strategies/mod.ts";
import type { Call, Upstream } from "./upstream.ts";

/**
 * `plain` for the conversation as it is, the name of a prompt that strategies share, or
 * `<strategy>.<prompt>`.
 */
export type Kind = string;

/** Number of calls of each kind. */
export type Counts = Readonly<Record<Kind, number>>;

const { mend } = commonPrompts;

const PROMPTS = new Map<string, Kind>(
  Object.entries({ mend, ...sharedPrompts }).map(([name, text]) => [text, name]),
);
for (const [strategy, entry] of Object.entries(strategies)) {
  if ("route" in entry) continue;
  for (const [name, text] of Object.entries(entry.prompts)) {
    if (!PROMPTS.has(text)) PROMPTS.set(text, `${strategy}.${name}`);
  }
}

/** All kinds but `plain`. */
export const KINDS: ReadonlySet<Kind> = new Set(PROMPTS.values());

/** Prompts with the text before their first placeholder; longer texts first. */
const HEADS = [...PROMPTS]
  .map(([prompt, kind]) => ({ prompt, kind, head: prompt.split("{", 1)[0]!.trimEnd() }))
  .sort((a, b) => b.head.length - a.head.length);

export interface SentMessage {
  role: string;
  /** Text or parts. */
  content: unknown;
}

/** The kind of a call and its prompt: that of the last message that starts with one. */
export function promptOf({ body }: Pick<Call, "body">): { kind: Kind; prompt: string } {
  for (const { content } of (body.messages as SentMessage[]).toReversed()) {
    const found = typeof content === "string" &&
      HEADS.find(({ head }) => content.startsWith(head));
    if (found) return found;
  }
  return { kind: "plain", prompt: "" };
}

export function kindOf(call: Pick<Call, "body">): Kind {
  return promptOf(call).kind;
}

export function kindsOf({ calls }: Pick<Upstream, "calls">): Counts {
  const counts: Record<Kind, number> = {};
  for (const call of calls) counts[kindOf(call)] = (counts[kindOf(call)] ?? 0) + 1;
  return counts;
}

export function messagesOf({ body }: Pick<Call, "body">): SentMessage[] {
  return body.messages;
}

/** All text of a call's messages. */
export function textOf(call: Pick<Call, "body">): string {
  return messagesOf(call).map(({ content }) =>
    typeof content === "string" ? content : JSON.stringify(content)
  ).join("\n\n");
}
