/**
 * `o1-api serve`: runs the server until it is told to end.
 *
 * @module
 */
import { join } from "node:path";
import { type ListenAddress, listenOptions } from "../config/listen.ts";
import { isDeploy, PLACEHOLDER_TOKEN, type ResolvedConfig } from "../config/resolve.ts";
import { createApp } from "../server/app.ts";
import { LOOK_MS } from "../server/client_watch.ts";
import { causeOf, createLog, type Log } from "../server/log.ts";
import { createSignalHandler } from "../server/shutdown.ts";
import type { Limiter } from "../store/limiter.ts";
import { openLimiter, openStore } from "../store/open.ts";
import type { Store } from "../store/store.ts";
import { systemClock } from "../upstream/clock.ts";
import { configOrExit, exitOnConfigError } from "./configuration.ts";
import type { CommandOptions } from "./options.ts";
import { reloadOnChange } from "./reload.ts";

/** Runs the server; resolves when it has ended. */
export async function serve(options: CommandOptions): Promise<void> {
  const configuration = await configOrExit(options);
  const { path, folder, config, resolved } = configuration;
  const env = (name: string) => Deno.env.get(name);
  const onDeploy = isDeploy(env);
  const address = listenAddress();
  const log = logOf(resolved);
  const kept = await openOrExit(resolved.store, folder, onDeploy, log);
  const app = createApp({
    ...kept,
    config: resolved,
    clock: systemClock,
    random: Math.random,
    fetch,
    log,
    lookAfterMs: LOOK_MS,
    refuse: onDeploy && !resolved.hasRealToken ? NO_TOKEN : undefined,
  });
  // A rejection that nobody awaits would end the process with every stream in it.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", { cause: causeOf(event.reason) });
  });
  // Before it says that it listens, so that no change from then on is missed.
  const stopReloading = onDeploy
    ? () => {}
    : reloadOnChange({ options, configuration, address, app, log });
  const server = listen(address, (request) => app.handle(request), (port) => {
    const facts = startupFacts(resolved, { ...address, port }, path);
    if (logFormat(resolved) === "text") console.log(banner(facts));
    else log.info(`o1-api listens on ${facts.url}`, facts);
  });
  const scrapes = listenForScrapes(app.metrics, { ...address, port: resolved.metrics.port });
  onSignals(app, { server, scrapes }, resolved.server.shutdown_grace_ms, log);
  await server.finished;
  stopReloading();
  await Promise.all([kept.store.close(), kept.limiter.close()]);

  function listenAddress(): ListenAddress {
    try {
      const { host, port } = options;
      const { hasRealToken } = resolved;
      return listenOptions({ config, flags: { host, port }, env, hasRealToken, onDeploy });
    } catch (error) {
      exitOnConfigError(error);
    }
  }
}

/** Opens where responses and counts are kept; ends the process where that can't be had. */
async function openOrExit(
  setting: string,
  folder: string,
  onDeploy: boolean,
  log: Log,
): Promise<{ store: Store; limiter: Limiter }> {
  const options = {
    path: join(folder, "o1-api.db"),
    now: Date.now,
    warn: (message: string) => log.warn(message),
    onDeploy,
  };
  try {
    return {
      store: await openStore(setting, options),
      limiter: await openLimiter(setting, options),
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    Deno.exit(1);
  }
}

const NO_TOKEN =
  "This server has no token yet. Set the environment variable O1_API_TOKEN to a secret of your own and deploy again.";

function listen(
  { hostname, port }: ListenAddress,
  handler: (request: Request) => Promise<Response>,
  onListen: (port: number) => void,
  advice = "--port, PORT or server.port",
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve(
      { hostname, port, onListen: (address) => onListen(address.port) },
      handler,
    );
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      console.error(
        `Port ${port} is in use. Choose another with ${advice} in config.yaml.`,
      );
    } else if (
      error instanceof Deno.errors.AddrNotAvailable || error instanceof Deno.errors.PermissionDenied
    ) {
      console.error(`Can't listen on ${hostname}:${port}: ${error.message}`);
    } else throw error;
    Deno.exit(1);
  }
}

/** Answers scrapes on a port of their own, where one is set. */
function listenForScrapes(
  metrics: (() => Promise<Response>) | undefined,
  address: ListenAddress,
): Deno.HttpServer | undefined {
  if (metrics === undefined || address.port === 0) return undefined;
  const answer = (request: Request) =>
    new URL(request.url).pathname === "/metrics"
      ? metrics()
      : Promise.resolve(new Response("Metrics are at /metrics.\n", { status: 404 }));
  return listen(address, answer, () => {}, "metrics.port");
}

function onSignals(
  app: { drain(graceMs: number): Promise<void> },
  { server, scrapes }: { server: Deno.HttpServer; scrapes: Deno.HttpServer | undefined },
  graceMs: number,
  log: Log,
): void {
  const handle = createSignalHandler({
    drain: () => app.drain(graceMs),
    async close() {
      await Promise.all([server.shutdown(), scrapes?.shutdown()]);
      for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
    },
    exit: (code) => Deno.exit(code),
    clock: systemClock,
    onBegin: (signal) => log.info(`${signal}: draining`, { grace_ms: graceMs }),
  });
  const listeners = (["SIGINT", "SIGTERM"] as const).map((signal) =>
    [signal, () => handle(signal)] as const
  );
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
}

function logFormat(config: ResolvedConfig): "text" | "json" {
  const { format } = config.log;
  return format === "auto" ? (Deno.stdout.isTerminal() ? "text" : "json") : format;
}

function logOf(config: ResolvedConfig): Log {
  return createLog({
    level: config.log.level,
    format: logFormat(config),
    write: writeLine,
    now: () => Date.now(),
  });
}

const utf8 = new TextEncoder();

/** `console.log` would look for formats in the line first. */
function writeLine(line: string): void {
  try {
    const bytes = utf8.encode(`${line}\n`);
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  } catch {
    // Nobody reads the log any more; the server serves on.
  }
}

/** What a newcomer needs: where it is, what it serves, and the line to try. */
function startupFacts(
  config: ResolvedConfig,
  { hostname, port, loopbackOnly }: ListenAddress,
  path: string | undefined,
): Record<"url" | "config" | "models" | "access" | "curl", string> {
  const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}/v1`;
  const token = config.hasRealToken ? "$TOKEN" : PLACEHOLDER_TOKEN;
  const model = config.models[0]?.reasoning.id ?? "o1";
  const messages = [{ role: "user", content: "What is 17 × 23 − 5?" }];
  const body = JSON.stringify({ model, stream: true, messages });
  return {
    url,
    config: path ?? "none found: the defaults, over the built-in demo model",
    models: config.models.map((each) => each.reasoning.id).join(", "),
    access: loopbackOnly
      ? "this machine only (127.0.0.1), until api_bearer_token is a token of your own"
      : "every client that has the token or a key",
    curl: `curl -N ${url}/chat/completions -H "Authorization: Bearer ${token}" ` +
      `-H "Content-Type: application/json" -d '${body}'`,
  };
}

function banner(facts: ReturnType<typeof startupFacts>): string {
  const { url, config, models, access, curl } = facts;
  return `o1-api listens on ${url}
  config  ${config}
  models  ${models}
  access  ${access}

Try it:
  ${curl}
`;
}
