/** The stores of a fleet, which lose nothing that they have acknowledged. */
import type { Limiter } from "../../../lib/store/limiter.ts";
import { openPostgresLimiter } from "../../../lib/store/postgres/limiter.ts";
import { openRedisLimiter } from "../../../lib/store/redis/limiter.ts";
import { freePort } from "../../support/port.ts";
import { startPostgres } from "../../support/postgres.ts";
import { startRedis } from "../../support/redis.ts";

export interface FleetStore extends AsyncDisposable {
  port: number;
  /** The setting `store` over another port. */
  urlAt(port: number): string;
  openLimiter(): Promise<Limiter>;
  /** It accepts connections, but does not answer. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it without a warning. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

export async function startRedisStore(): Promise<FleetStore> {
  const folder = await Deno.makeTempDir();
  const port = freePort();
  const args = ["--dir", folder, "--appendonly", "yes", "--appendfsync", "always"];
  let redis = await startRedis({ port, args });
  const urlAt = (port: number) => `redis://127.0.0.1:${port}`;
  return {
    port,
    urlAt,
    openLimiter: () => openRedisLimiter({ url: urlAt(port), warn() {} }),
    pause: () => redis.kill("SIGSTOP"),
    resume: () => redis.kill("SIGCONT"),
    crash: () => redis.kill("SIGKILL"),
    async start() {
      redis = await startRedis({ port, args });
    },
    async [Symbol.asyncDispose]() {
      await redis[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

export async function startPostgresStore(): Promise<FleetStore> {
  const postgres = await startPostgres();
  const database = await postgres.createDatabase();
  const urlAt = (port: number) =>
    postgres.urlOf(database).replace(`:${postgres.port}/`, `:${port}/`);
  return {
    port: postgres.port,
    urlAt,
    openLimiter: () => openPostgresLimiter({ url: urlAt(postgres.port), warn() {} }),
    pause: () => postgres.signalAll("SIGSTOP"),
    resume: () => postgres.signalAll("SIGCONT"),
    crash: () => postgres.stop("SIGQUIT"),
    start: postgres.start,
    [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
  };
}
