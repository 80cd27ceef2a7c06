/** `o1-api usage`: prints what the keys of a running server have used. */
import { ConfigError } from "../../config/faults/fault.ts";
import { PLACEHOLDER_TOKEN } from "../../config/resolve.ts";
import { DAY_MS, dayAt } from "../../clock.ts";
import { readErrorBody } from "../../eval/ask/answer.ts";
import { type CommandOptions, configOrExit, orExit } from "../configuration.ts";
import { parseFlags, UsageError } from "../flags.ts";
import { listenAddress } from "../listener.ts";
import { originOf } from "../serve/banner.ts";
import { plain, print } from "../terminal.ts";
import { type UsageAnswer, usageTable } from "./table.ts";

const MAX_DAYS = 366;
const DEFAULT_DAYS = 30;

/** Milliseconds for the server to answer. */
const TIMEOUT_MS = 30_000;

/**
 * Exits with 1 if the server does not answer.
 *
 * @throws {UsageError} for invalid arguments.
 */
export async function usage(args: readonly string[], moduleDir: string | undefined): Promise<void> {
  const { url, key, days = String(DEFAULT_DAYS), json, config } = parseFlags("usage", args).flags;
  const count = /^\d{1,3}$/.test(days) ? Number(days) : 0;
  if (count < 1 || count > MAX_DAYS) {
    throw new UsageError("usage", `--days must be 1 to ${MAX_DAYS}, not '${days}'`);
  }
  const server = await serverOf({ config, moduleDir });
  const base = (url ?? server.url).replace(/\/+$/, "");
  if (!URL.canParse(base)) throw new UsageError("usage", `--url is not a URL: '${base}'`);
  const start = dayAt(Date.now() - (count - 1) * DAY_MS);
  const text = await orExit(
    () => read(`${base}/usage?start_date=${start}`, key ?? server.token),
    Error,
  );
  print(Deno.stdout, plain(json ? `${text}\n` : usageTable(JSON.parse(text) as UsageAnswer)));
}

/** Returns the address and the token of the configured server. */
async function serverOf(options: CommandOptions) {
  const configuration = await configOrExit(options);
  const address = await orExit(() => listenAddress(configuration, options), ConfigError);
  return {
    url: `${originOf(address)}/v1`,
    token: configuration.resolved.token ?? PLACEHOLDER_TOKEN,
  };
}

/** @throws {Error} for people, if the server does not answer with usage. */
async function read(url: string, token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { headers, signal }).catch((error: Error) => {
    throw new Error(`Can't reach the server at ${new URL(url).origin}: ${error.message}`);
  });
  const text = await response.text();
  if (response.ok) return text;
  // A proxy's page is no error body.
  const reason = readErrorBody(text).message ?? text;
  throw new Error(plain(`HTTP ${response.status}: ${reason}`).slice(0, 2_000));
}
