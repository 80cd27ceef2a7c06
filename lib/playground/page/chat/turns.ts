/**
 * What a conversation consists of: a tree of turns, because a question can be asked again in other
 * words and an answer written again.
 *
 * @module
 */
import type { Chunk, Usage } from "../api/types.ts";
import type { Pick } from "./picker.ts";

export interface Settings {
  system: string;
  /** Empty for the server's default, like `maxTokens`. */
  temperature: string;
  maxTokens: string;
  /** Options by strategy and name; absent in turns that were stored by an earlier version. */
  options?: Record<string, Record<string, string | number | boolean>>;
  /** Tools by model, where some are switched off. */
  tools?: Record<string, string[]>;
}

export interface Question {
  text: string;
  /** Data URLs. */
  images: string[];
  files: { name: string; text: string }[];
  /** One for each column. */
  picks: Pick[];
  /** Empty: the model's default. */
  effort: string;
  settings: Settings;
}

/** What arrived one after another; texts of the same kind are joined. */
export type Part = { reasoning: string } | { content: string } | { o1: Record<string, unknown> };

export interface Answer {
  name: string;
  parts: Part[];
  usage?: Usage;
  /** Seconds until the answer began, or ended without text. */
  thoughtSeconds?: number;
  seconds: number;
  outcome: "complete" | "stopped" | "failed";
  /** Why generation ended; OpenAI's `finish_reason`. */
  reason: string;
  error?: string;
}

/** One of several answers to a question. */
export interface Labelled {
  label: string;
  answer: Answer;
}

export interface Turn {
  id: string;
  conversation: string;
  /** The turn before; null: the first of a conversation. */
  parent: string | null;
  /** Milliseconds since 1970. */
  at: number;
  question: Question;
  /** One for each column. */
  answers: Answer[];
}

/** A random id; `crypto.randomUUID` does not exist on plain HTTP. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function contentOf({ parts }: Answer): string {
  return parts.map((part) => "content" in part ? part.content : "").join("");
}

/** Adds a chunk of a stream to the parts of an answer. */
export function addParts(parts: Part[], chunk: Chunk): void {
  if (chunk.o1 !== undefined) parts.push({ o1: chunk.o1 });
  for (const { delta } of chunk.choices ?? []) {
    const reasoning = delta.reasoning ?? delta.reasoning_content;
    const content = (delta.content ?? "") + (delta.refusal ?? "");
    const last = parts.at(-1);
    if (reasoning) {
      if (last !== undefined && "reasoning" in last) last.reasoning += reasoning;
      else parts.push({ reasoning });
    }
    if (content) {
      if (last !== undefined && "content" in last) last.content += content;
      else parts.push({ content });
    }
  }
}

/** The turns from the first to the one with this id. */
export function pathTo(turns: ReadonlyMap<string, Turn>, id: string | null): Turn[] {
  const path: Turn[] = [];
  for (let turn = turns.get(id ?? ""); turn; turn = turns.get(turn.parent ?? "")) {
    path.unshift(turn);
  }
  return path;
}

/** The turns that follow the same turn, oldest first. */
export function siblingsOf(turns: ReadonlyMap<string, Turn>, { parent }: Turn): Turn[] {
  return [...turns.values()].filter((turn) => turn.parent === parent).sort((a, b) => a.at - b.at);
}

/** The newest turn that continues this one, or itself. */
export function newestEnd(turns: ReadonlyMap<string, Turn>, turn: Turn): Turn {
  const next = [...turns.values()].filter(({ parent }) => parent === turn.id)
    .sort((a, b) => b.at - a.at)[0];
  return next === undefined ? turn : newestEnd(turns, next);
}

/** The messages of a column before its next question. A new column continues the first. */
export function messagesOf(path: readonly Turn[], lane: number): Record<string, unknown>[] {
  return path.flatMap(({ question, answers }) => {
    const content = contentOf(answers[lane] ?? answers[0]!);
    // Some providers reject two user messages in a row.
    return content === "" ? [] : [messageOf(question), { role: "assistant", content }];
  });
}

export function messageOf({ text, images, files }: Question): Record<string, unknown> {
  const texts = [
    ...files.map((file) => `${file.name}:\n\n\`\`\`\`\n${file.text}\n\`\`\`\``),
    ...text === "" ? [] : [text],
  ];
  if (images.length === 0) return { role: "user", content: texts.join("\n\n") };
  return {
    role: "user",
    content: [
      ...texts.map((text) => ({ type: "text", text })),
      ...images.map((url) => ({ type: "image_url", image_url: { url } })),
    ],
  };
}

/** The body of a request for a column's answer. */
export function bodyOf(question: Question, lane: number, path: readonly Turn[]) {
  const { model, strategy, runs } = question.picks[lane]!;
  const { effort, settings: { system, temperature, maxTokens, options, tools } } = question;
  return {
    model,
    messages: [
      ...system.trim() === "" ? [] : [{ role: "system", content: system }],
      ...messagesOf(path, lane),
      messageOf(question),
    ],
    stream: true,
    stream_options: { include_usage: true },
    ...(effort === "" ? {} : { reasoning_effort: effort }),
    ...(temperature === "" ? {} : { temperature: Number(temperature) }),
    ...(maxTokens === "" ? {} : { max_completion_tokens: Number(maxTokens) }),
    reasoning: {
      events: true,
      calls: true,
      ...(strategy === undefined ? {} : { strategy }),
      ...options?.[runs],
      ...(tools?.[model] === undefined ? {} : { tools: tools[model] }),
    },
    reasoning_format: "reasoning",
  };
}
