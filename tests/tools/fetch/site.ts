import { createFetchTool, fetchKind } from "../../../lib/tools/fetch/kind.ts";
import type { ResolvedAddress } from "../../../lib/tools/fetch/request.ts";
import type { ToolResult } from "../../../lib/tools/tool.ts";
import { systemClock } from "../../../lib/clock.ts";
import { waitFor } from "../../support/wait.ts";

/** Names with the addresses that they resolve to; a function may change its answer. */
export type Names = Record<string, string | (() => string)>;

export interface FetchOptions {
  names?: Names;
  settings?: Record<string, unknown>;
  ca?: string;
  signal?: AbortSignal;
}

const toAddresses = (addresses: string): ResolvedAddress[] =>
  addresses.split(" ").map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

/** Runs the tool with a resolver that knows only these names. */
export async function fetchPage(url: unknown, options: FetchOptions = {}): Promise<ToolResult> {
  const { names = {}, settings = {}, ca, signal = new AbortController().signal } = options;
  const tool = createFetchTool(fetchKind.options.parse(settings) as never, {
    resolve(host) {
      const name = names[host];
      if (name === undefined) return Promise.reject(new Error(`${host} is unknown`));
      return Promise.resolve(toAddresses(typeof name === "string" ? name : name()));
    },
    ...(ca !== undefined && { ca }),
  });
  return await waitFor("a page", tool.run({ url }, { signal, clock: systemClock }));
}

export const textOf = ({ content: [part] }: ToolResult): string =>
  part?.type === "text" ? part.text : "";

export interface Site extends AsyncDisposable {
  /** Host name and port, which the tool may fetch. */
  host: string;
  /** Paths that were requested. */
  requested: string[];
  fetch(path: string, options?: FetchOptions): Promise<ToolResult>;
}

/** Starts a site that is on the allow-list although it is on this machine. */
export function startSite(handler: (request: Request) => Response | Promise<Response>): Site {
  const requested: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    requested.push(new URL(request.url).pathname);
    return handler(request);
  });
  return siteAt(server.addr.port, requested, () => server.shutdown());
}

/** Starts a site that writes raw bytes on each connection. */
export function startRawSite(write: (connection: Deno.Conn) => Promise<void>): Site {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const open = new Set<Deno.Conn>();
  const running = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      write(connection).catch(() => {}).finally(() => {
        open.delete(connection);
        try {
          connection.close();
        } catch {
          // Closed already.
        }
      });
    }
  })();
  return siteAt((listener.addr as Deno.NetAddr).port, [], async () => {
    listener.close();
    await running;
    for (const connection of open) connection.close();
  });
}

function siteAt(port: number, requested: string[], stop: () => Promise<void>): Site {
  const host = `site.test:${port}`;
  return {
    host,
    requested,
    fetch: (path, { names, settings, ...options } = {}) =>
      fetchPage(`http://${host}${path}`, {
        names: { "site.test": "127.0.0.1", ...names },
        settings: { allow_hosts: [host], ...settings },
        ...options,
      }),
    [Symbol.asyncDispose]: stop,
  };
}
