/**
 * An upstream that behaves as a fixture says.
 *
 * @module
 */
import { allDiffer, scripted, THOUGHT } from "../reasoning/strategies/setup/script.ts";
import { textOf } from "../support/kinds.ts";
import { type Call, type Reply, startUpstream, type Upstream } from "../support/upstream.ts";
import { type Fixture, problemOf, type ProviderReply, readFile } from "./fixture.ts";

/** Asks for JSON if there is no response format. */
const IN_WORDS = "Your answer must be one JSON";
const JSON_ANSWER = '{"n":"42"}';

export interface Provider extends AsyncDisposable {
  upstream: Upstream;
  /** Returns the calls since the last time, with the status that each was answered with. */
  taken(): { call: Call; status: number }[];
  /** Returns the entries of the fixture that have answered no call. */
  unused(): readonly ProviderReply[];
}

export function startProvider(fixture: Fixture): Provider {
  const used = new Set<ProviderReply>();
  const statuses = new Map<Call, number>();
  const goodModel = scripted(fixture.differ ? { answer: allDiffer } : {});
  const upstream = startUpstream((call) => {
    const entry = fixture.replies.find((reply) => applies(reply, call));
    const good = textOf(call).includes(IN_WORDS) ? { content: JSON_ANSWER } : goodModel(call);
    if (entry !== undefined) used.add(entry);
    statuses.set(call, entry?.status ?? 200);
    return entry === undefined ? good : recorded(entry, call, good);
  });
  let from = 0;
  return {
    upstream,
    taken() {
      const calls = upstream.calls.slice(from);
      from = upstream.calls.length;
      return calls.map((call) => ({ call, status: statuses.get(call) ?? 0 }));
    },
    unused: () => fixture.replies.filter((reply) => !used.has(reply)),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

function applies({ when, unless }: ProviderReply, { body }: Call): boolean {
  return (when === undefined || problemOf(when, body) === undefined) &&
    (unless === undefined || problemOf(unless, body) !== undefined);
}

function recorded(entry: ProviderReply, { body }: Call, good: Reply): Reply {
  const { status = 200, headers = {}, json, sse } = entry;
  const isStream = sse !== undefined && (body.stream === true || json === undefined);
  const template = isStream ? readFile(sse) : JSON.stringify(json);
  const type = isStream ? "text/event-stream" : "application/json";
  return {
    status,
    headers: { "content-type": type, ...headers },
    body: fill(template, String(good.content ?? "")),
  };
}

/** Fills in the texts, escaped for JSON strings. */
function fill(template: string, text: string): string {
  const bare = text.replace(/^<think>.*<\/think>/s, "");
  const middle = Math.ceil(bare.length / 2);
  const values: Record<string, string> = {
    text: bare,
    first: bare.slice(0, middle),
    rest: bare.slice(middle),
    thought: THOUGHT,
  };
  return template.replace(
    /\{\{(text|first|rest|thought)\}\}/g,
    (_, name: string) => JSON.stringify(values[name]).slice(1, -1),
  );
}
