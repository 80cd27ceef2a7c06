import { formatDollars } from "../chat/figures.ts";
import { translate } from "../language/translate.ts";
import type { Call, Mark, Run, ToolRun } from "./run.ts";

export function seconds(value: number): string {
  if (value < 0.1) return translate("{count} ms", { count: Math.round(value * 1_000) });
  return translate("{seconds} s", { seconds: value.toFixed(value < 10 ? 2 : 1) });
}

export const cost = (value: number | undefined) => value === undefined ? "–" : formatDollars(value);

export function nameOf(entry: Call | ToolRun): string {
  if (entry.type === "tool") return entry.name;
  return entry.number === 0 ? entry.role : `${entry.role} ${entry.number}`;
}

/** What kind of thing a mark is, for people. */
export const kindOf = ({ kind }: Mark): string => KINDS[kind]();

const KINDS: Readonly<Record<Mark["kind"], () => string>> = {
  step: () => translate("Step"),
  candidate: () => translate("Candidate"),
  tally: () => translate("Votes"),
  status: () => translate("Status"),
};

/** Describes the outcome; empty if all went well. */
export function outcomeOf({ outcome }: Call | ToolRun): string {
  if (outcome === "ok") return "";
  return outcome === "cancelled" ? translate("cancelled") : translate("failed");
}

export interface Totals {
  calls: number;
  tools: number;
  promptTokens: number;
  completionTokens: number;
  cost: number | undefined;
  /** Until the first token of any call. */
  first: number | undefined;
}

export function totalsOf({ entries }: Run): Totals {
  const calls = entries.filter((entry) => entry.type === "call");
  const sum = (valueOf: (call: Call) => number) =>
    calls.reduce((total, call) => total + valueOf(call), 0);
  const firsts = calls.flatMap(({ first }) => first ?? []);
  return {
    calls: calls.length,
    tools: entries.length - calls.length,
    promptTokens: sum((call) => call.prompt_tokens),
    completionTokens: sum((call) => call.completion_tokens),
    cost: calls.some((call) => call.cost !== undefined) ? sum((call) => call.cost ?? 0) : undefined,
    first: firsts.length === 0 ? undefined : Math.min(...firsts),
  };
}
