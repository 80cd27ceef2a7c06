import {
  Client,
  ProtocolError,
  SdkHttpError,
  SSEClientTransport,
  SseError,
  StreamableHTTPClientTransport,
  type Transport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { abortable } from "@std/async";
import { type Clock, within } from "../../clock.ts";
import { startOf } from "../../text.ts";
import { ToolFailure } from "../failure.ts";
import { createBoundedFetch, type ServerBudget } from "./bounded_fetch.ts";
import { createKeyFilter } from "./key_filter.ts";
import type { ServerSettings } from "./settings.ts";

export type Connection = ReturnType<typeof createConnection>;

interface Opened {
  client: Client;
  transport: Transport;
  budget: ServerBudget;
  /** Number of `use`s that have not ended. */
  uses: number;
  /** Why the client was closed. */
  failure?: ToolFailure;
}

/** Budget of each use, and of establishing the connection. */
const BUDGET = { bytes: 4_194_304, requests: 50 };

/** Longest error of a server that the model gets, in characters. */
const MAX_ERROR_CHARACTERS = 1_000;

/** How long to wait for the end of a session. */
const CLOSE_MS = 1_000;

/** Answers of servers that do not know Streamable HTTP. */
const LEGACY_STATUSES = [400, 404, 405];

/** Answers of servers that do not know the session any more. */
const FORGOTTEN_STATUSES = [400, 404];

/** Creates a connection to a server, which is opened when it is needed, and again after it was lost. */
export function createConnection(settings: ServerSettings, clock: Clock) {
  let current: Promise<Opened> | undefined;
  const withoutKeys = createKeyFilter(settings.headers);

  function connect(): Promise<Opened> {
    const opening = open(settings, clock, () => drop(opening));
    opening.catch(() => drop(opening));
    return opening;
  }

  function drop(opening: Promise<Opened>): void {
    if (current === opening) current = undefined;
  }

  async function attempt<T>(
    requests: (client: Client) => Promise<T>,
    signal: AbortSignal,
    mayRepeat: boolean,
  ): Promise<T> {
    const opening = current ??= connect();
    const opened = await abortable(opening, signal);
    const { client, transport } = opened;
    addUse(opened);
    try {
      return await requests(client);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ProtocolError) {
        throw new ToolFailure(startOf(withoutKeys(error.message), MAX_ERROR_CHARACTERS));
      }
      drop(opening);
      await client.close().catch(() => {});
      const isForgotten = FORGOTTEN_STATUSES.includes(statusOf(error) ?? 0) &&
        transport.sessionId !== undefined;
      if (isForgotten && mayRepeat) return await attempt(requests, signal, false);
      throw opened.failure ?? toFailure(error);
    } finally {
      opened.uses--;
      limitBudget(opened);
    }
  }

  return {
    /**
     * Sends requests by the client. They are repeated only if the server has forgotten the session.
     *
     * @throws {ToolFailure} with a reason for the model, and the signal's reason.
     */
    use: <T>(requests: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T> =>
      attempt(requests, signal, true),
    async close(): Promise<void> {
      const opened = await current?.catch(() => undefined);
      current = undefined;
      if (opened === undefined) return;
      const { client, transport } = opened;
      if (transport instanceof StreamableHTTPClientTransport) {
        await within(clock, CLOSE_MS, transport.terminateSession().catch(() => {}));
      }
      await client.close().catch(() => {});
    },
  };
}

/** Uses run at the same time, and which one a message belongs to is not known: they share. */
function addUse(opened: Opened): void {
  opened.uses++;
  opened.budget.bytes += BUDGET.bytes;
  opened.budget.requests += BUDGET.requests;
  limitBudget(opened);
}

/** What a use has left over is not kept for later ones. */
function limitBudget({ budget, uses }: Opened): void {
  const shares = Math.max(1, uses);
  budget.bytes = Math.min(budget.bytes, shares * BUDGET.bytes);
  budget.requests = Math.min(budget.requests, shares * BUDGET.requests);
}

function statusOf(error: unknown): number | undefined {
  return error instanceof SdkHttpError ? error.status : undefined;
}

function toFailure(error: unknown): ToolFailure {
  if (error instanceof ToolFailure) return error;
  const status = statusOf(error) ?? 0;
  if (status > 0) return new ToolFailure(`The MCP server answered with status ${status}.`);
  return new ToolFailure(
    error instanceof TypeError || error instanceof SseError
      ? "The MCP server can't be reached."
      : "The MCP server sent an invalid answer.",
  );
}

type CreateTransport = (budget: ServerBudget) => Transport;

async function open(settings: ServerSettings, clock: Clock, onLost: () => void): Promise<Opened> {
  const { command, args, env } = settings;
  const openWith = (createTransport: CreateTransport) =>
    start(createTransport, settings.connect_ms, clock, onLost);
  try {
    if (command !== undefined) {
      // Its standard error could contain data of a client.
      return await openWith(() =>
        new StdioClientTransport({ command, args, env, stderr: "ignore" })
      );
    }
    const url = new URL(settings.url!);
    const requestInit = { headers: settings.headers };
    try {
      return await openWith((budget) => {
        const fetch = createBoundedFetch(budget, false);
        return new StreamableHTTPClientTransport(url, { requestInit, fetch }) as Transport;
      });
    } catch (error) {
      if (!LEGACY_STATUSES.includes(statusOf(error) ?? 0)) throw error;
    }
    return await openWith((budget) =>
      new SSEClientTransport(url, { requestInit, fetch: createBoundedFetch(budget, true) })
    );
  } catch (error) {
    throw toFailure(error);
  }
}

async function start(
  createTransport: CreateTransport,
  connectMs: number,
  clock: Clock,
  onLost: () => void,
): Promise<Opened> {
  // Without capabilities: the server can ask for no sampling, no input and no folders.
  const client = new Client({ name: "o1-api", version: "1.0.0" });
  const close = () => client.close().catch(() => {});
  const budget: ServerBudget = {
    ...BUDGET,
    onExceeded(failure) {
      opened.failure ??= failure;
      // Ends the calls, which would wait for their time limit.
      close();
    },
  };
  const transport = createTransport(budget);
  const opened: Opened = { client, transport, budget, uses: 0 };
  client.onerror = () => {
    // Its one stream has ended, and its next one would be another session. Closing also stops the
    // timer for the next one, which is started after this.
    if (transport instanceof SSEClientTransport) queueMicrotask(close);
  };
  try {
    const result = await within(clock, connectMs, client.connect(transport));
    if (result !== "late") {
      client.onclose = onLost;
      return opened;
    }
    throw new ToolFailure(`The MCP server did not answer within ${connectMs} ms.`);
  } catch (error) {
    await close();
    throw opened.failure ?? error;
  }
}
