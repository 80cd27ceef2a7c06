/**
 * A coding agent as a process, in an empty home, against the server over a scripted upstream.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { createTestApp, TOKEN } from "../../support/app.ts";
import { type Call, isThinking, type Reply, startUpstream, step } from "../../support/upstream.ts";
import { waitFor, waitUntil } from "../../support/wait.ts";

/** Strategies by the names of the models that an agent is tested with. */
export const MODELS = { o1: "steps", "o1-vote": "vote", plain: "direct" };

export const QUESTION = "What is 2 + 2?";

export const ANSWER = "The answer is 4.";

/** The documented address of the server, which stands for its real one in settings of agents. */
export const ADDRESS = "http://127.0.0.1:18888";

/** The documented key, which stands for the real one. */
export const KEY = "your_api_bearer_token_here";

/** Answers of the upstream, in turn. A function gets the path of the agent's working directory. */
export type Turns = readonly Reply[] | ((call: Call, turn: number, work: string) => Reply);

/** Longer than an agent takes on a busy machine; some start in half a minute. */
const AGENT_MS = 180_000;

export interface AgentOptions {
  /** The name of the agent's program on the PATH. */
  program: string;
  args: string[];
  /** What the upstream answers to the calls that may call tools, in turn. */
  turns: Turns;
  /** What it answers to every call instead. */
  fails?: Reply | undefined;
  /** Whether the agent offers tools; otherwise every call is a turn. Default: true. */
  hasTools?: boolean;
  /** Further models, by name. */
  models?: Record<string, string>;
  /** Environment variables of the agent, with the documented address and key. */
  env?: Record<string, string> | undefined;
  /** Files in the agent's home, with the same. */
  home?: Record<string, string> | undefined;
  /** Files in the agent's working directory. */
  files?: Record<string, string>;
}

export interface Agent extends AsyncDisposable {
  /** Calls to the upstream that may call tools. */
  turns(): Call[];
  /** Requests of the agent. */
  requests: Request[];
  /** Resolves when the agent has ended. */
  ended: Promise<{ code: number; output: string }>;
  /**
   * Waits until the upstream answers, and interrupts the agent. Returns the milliseconds from when
   * the agent has left, or the server has noticed it, to the end of the call to the upstream.
   */
  interrupt(): Promise<number>;
  read(file: string): Promise<string>;
}

/** Starts an agent in an empty home. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { turns, fails, hasTools = true } = options;
  const isTurn = (call: Call) => !isThinking(call) && (!hasTools || mayCall(call));
  const root = await Deno.makeTempDir();
  const answering = Promise.withResolvers<Call>();
  const upstream = startUpstream((call) => {
    if (fails !== undefined) return fails;
    if (isThinking(call)) return { content: step("Think", "Add.", "final_answer") };
    if (!isTurn(call)) return { content: ANSWER };
    answering.resolve(call);
    return turnOf(call, turns, `${root}/work`);
  });
  const models = Object.entries({ ...MODELS, ...options.models });
  const app = await createTestApp({
    upstream: upstream.url,
    yaml: `
upstreams:
  scripted: { base_url: UPSTREAM, api_key: k, retry: { base_ms: 1, max_ms: 50, max_attempts: 1 } }
models:
${
      models.map(([name, strategy]) =>
        `  ${name}: { strategy: ${strategy}, upstream: scripted, model: scripted }`
      ).join("\n")
    }
`,
  });
  const requests: Request[] = [];
  /** When the server has noticed that the agent is gone. */
  const gone = Promise.withResolvers<number>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    requests.push(request);
    request.signal.addEventListener("abort", () => gone.resolve(performance.now()));
    return app.handle(request);
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const filled = (texts: Record<string, string> = {}) =>
    Object.entries(texts).map(([name, text]) =>
      [name, text.replaceAll(ADDRESS, url).replaceAll(KEY, TOKEN)] as const
    );
  for (const [name, text] of filled(options.home)) await write(`${root}/home/${name}`, text);
  await Deno.mkdir(`${root}/work`);
  for (const [name, text] of Object.entries(options.files ?? {})) {
    await write(`${root}/work/${name}`, text);
  }
  const child = new Deno.Command(options.program, {
    args: options.args.map((text) => text.replaceAll(ADDRESS, url).replaceAll(KEY, TOKEN)),
    cwd: `${root}/work`,
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: `${root}/home`,
      ...Object.fromEntries(filled(options.env)),
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // With a process group of its own, which ends with it.
    detached: true,
  }).spawn();
  const ended = child.output().then(({ code, stdout, stderr }) => {
    const decoder = new TextDecoder();
    return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
  });
  return {
    turns: () => upstream.calls.filter(isTurn),
    requests,
    ended: waitFor(`${options.program} to end`, ended, AGENT_MS),
    async interrupt() {
      const call = await waitFor("the upstream to answer", answering.promise, AGENT_MS);
      child.kill("SIGINT");
      await call.left;
      const left = performance.now();
      const closed = ended.then(() => performance.now());
      return left - await waitFor("the agent to leave", Promise.race([gone.promise, closed]));
    },
    read: (file) => Deno.readTextFile(`${root}/work/${file}`),
    async [Symbol.asyncDispose]() {
      try {
        Deno.kill(-child.pid, "SIGKILL");
      } catch {
        // All of its processes have ended.
      }
      await ended;
      await server.shutdown();
      await upstream[Symbol.asyncDispose]();
      // A process outside the group may still write to its home.
      await waitUntil(
        "its home to be removed",
        () => Deno.remove(root, { recursive: true }).then(() => true, () => false),
      );
    },
  };
}

async function write(path: string, text: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, text);
}

/** Returns the first block of this kind, or of any, about this client in the page about clients. */
export function recipe(client: string, kind = "\\w+"): string {
  const page = Deno.readTextFileSync(new URL("../../../docs/clients.md", import.meta.url));
  const [, section] = page.split(`\n**${client}**`);
  return new RegExp(`\n\`\`\`${kind}\n(.*?)\n\`\`\`\n`, "s").exec(section!)![1]!;
}

/** Returns the environment variables that the first block about this client exports. */
export function exportsOf(client: string): Record<string, string> {
  const exported = recipe(client).matchAll(/^export (.*)$/gm);
  return Object.fromEntries(
    [...exported].flatMap(([, line]) => line!.split(" ")).map((pair) => pair.split("=")),
  );
}

/** Whether the model may call tools; a sample or a judge may not. */
function mayCall({ body }: Call): boolean {
  return body.tools !== undefined && body.tool_choice !== "none";
}

function turnOf(call: Call, turns: Turns, work: string): Reply {
  const { length: turn } = call.body.messages
    .filter((message: { tool_calls?: unknown }) => message.tool_calls);
  return typeof turns === "function" ? turns(call, turn, work) : turns[turn]!;
}

/** Asserts that an agent ended well, and that its output contains the text. */
export async function assertAnswered(agent: Agent, text = ANSWER): Promise<void> {
  const { code, output } = await agent.ended;
  assertEquals([code, output.includes(text)], [0, true], output);
}

/**
 * Asserts that an interrupted agent stops the upstream within 200 ms. A busy machine may take longer
 * by chance, so the best of three attempts counts.
 */
export async function assertStops(start: () => Promise<Agent>): Promise<void> {
  let ms = Infinity;
  for (let attempt = 0; attempt < 3 && ms >= 200; attempt++) {
    await using agent = await start();
    ms = await agent.interrupt();
  }
  assert(ms < 200, `${ms} ms`);
}

/** A call of a tool, in pieces. */
export const call = (name: string, fields: object, id = "call_1") => ({
  id,
  name,
  arguments: JSON.stringify(fields).match(/.{1,7}/gs)!,
});

/** The results that the model has read before its last turn. */
export function resultsOf(agent: Agent): string[] {
  const { messages } = agent.turns().at(-1)!.body;
  return messages.filter(({ role }: { role: string }) => role === "tool")
    .map(({ content }: { content: string }) => content);
}

const failing = (status: number, message: string, code: string | null = null): Reply => ({
  status,
  body: JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code } }),
});

export const REPLIES = {
  unauthorized: failing(401, "Incorrect API key provided", "invalid_api_key"),
  limited: failing(429, "Rate limit reached", "rate_limit_exceeded"),
  spent: failing(429, "You exceeded your current quota", "insufficient_quota"),
  overflow: failing(
    400,
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    "context_length_exceeded",
  ),
};
