import { applyCharges, type Changes, namesOf } from "../limit_account.ts";
import {
  CALL_MS,
  type Charge,
  createLimiter,
  type Limiter,
  type LimiterAction,
  type TakeResult,
} from "../limiter.ts";
import { parsePostgresUrl } from "./address.ts";
import { openPool, type PostgresOptions } from "./connection.ts";
import type { Session, Statement } from "./driver.ts";
import { LOCK_OF_LIMITS } from "./migrations.ts";
import { prepareDatabase } from "./prepare.ts";

/** Charges that are made in one atomic step. */
interface Call {
  action: LimiterAction;
  charges: readonly Charge[];
}

/** A call that waits for its turn. */
interface PendingCall extends Call {
  /** Deadline of the call, on the clock of `performance.now()`. */
  deadline: number;
  resolve: (result: TakeResult) => void;
  reject: (error: unknown) => void;
}

/** Maximum number of charges in one transaction. */
const MAX_CHARGES = 500;

/** Part of a call's time after which a server that hangs no longer holds the locks of others. */
const MAX_PAUSE = 1 / 3;

/** Unused accounts are deleted at this interval. */
const PURGE_MS = 60_000;

/** Takes a lease of a limit that nobody uses. */
const CHECK: Call = {
  action: "take",
  charges: [{
    limit: { key: "check", kind: "sum", amount: 1, windowMs: 1 },
    cost: 1,
    lease: "none",
  }],
};

const LOCK = `select o1_api.lock_names(${LOCK_OF_LIMITS}, $1)`;

const NOW = "coalesce($1::float8, floor(extract(epoch from clock_timestamp()) * 1000))";

/** Returns the time, and the value of each name or null. */
const LOAD = `
select ${NOW} as present, l.value from unnest($2::text[]) with ordinality as n(name, position)
left join lateral (select * from o1_api.limit_values l where l.name = n.name offset 0) l on true
order by n.position
`;

/** Deletes what has been of no use for a minute. Waits for no lock. */
const PURGE = `
delete from o1_api.limit_values where ctid = any(array(
  select l.ctid from o1_api.limit_values l where l.expires_at <= ${NOW} - 60000
    limit 1000 for update skip locked
))
`;

/**
 * Opens limits in Postgres, for servers on several machines. Postgres keeps the time.
 *
 * A transaction takes two round trips: the first locks and loads the accounts, the second writes
 * them. Calls that arrive meanwhile share the next transaction, so that one connection is enough, and
 * many calls for the same account take no longer than one. A crash of Postgres can lose the charges of
 * its last 0.6 s, because no transaction waits for the disk.
 *
 * @throws {Error} if Postgres cannot be reached, refuses the connection or lacks a right
 */
export async function openPostgresLimiter(options: PostgresOptions): Promise<Limiter> {
  const { timeoutMs = CALL_MS, warn, ca } = options;
  const address = parsePostgresUrl(options.url);
  const now = () => options.now?.() ?? null;
  const waiting: PendingCall[] = [];
  let isRunning = false;
  let purgeAt = 0;

  /**
   * Applies calls in their order.
   *
   * @param deadline on the clock of `performance.now()`; there is no effect after it
   */
  async function transact(
    session: Session,
    calls: readonly Call[],
    deadline: number,
    end: "commit" | "rollback",
  ): Promise<TakeResult[]> {
    const { accounts, leases } = namesOf(calls.flatMap(({ charges }) => charges));
    const names = [...accounts, ...leases];
    const reads = calls.every(isRead);
    // A lease belongs to one server, so locks on the accounts are enough.
    const begun = reads ? [] : [
      session.query("begin"),
      session.query({ name: "lock_limits", text: LOCK, values: [accounts] }),
    ];
    const [{ rows }] = await Promise.all([
      session.query({ name: "load_limits", text: LOAD, values: [now(), names] }),
      ...begun,
    ]);
    const receivedAt = performance.now();
    const present = Number(rows[0]?.present);
    const values = new Map<string, unknown>(
      names.map((name, i) => [name, JSON.parse(rows[i]!.value ?? "null")]),
    );
    const changed: Changes = new Map();
    const results = calls.map(({ action, charges }) => {
      const { result, changes } = applyCharges(
        action,
        present,
        charges,
        (name) => values.get(name),
      );
      for (const [name, change] of changes) {
        values.set(name, change.value);
        changed.set(name, change);
      }
      return result;
    });
    if (changed.size > 0) {
      const last = now() === null ? present + deadline - receivedAt : null;
      await Promise.all([
        session.query(saveStatement(changed, present, last)),
        session.query(end),
      ]);
    } else if (!reads) await session.query(end);
    return results;
  }

  const purge = (session: Session) => session.query({ text: PURGE, values: [now()] });

  const pool = await openPool({
    address,
    ca,
    timeoutMs,
    warn,
    connections: 1,
    session: {
      synchronous_commit: "off",
      idle_in_transaction_session_timeout: `${Math.ceil(MAX_PAUSE * timeoutMs)}`,
    },
    prepare: (session) =>
      prepareDatabase(session, address, async (session) => {
        await transact(session, [CHECK], performance.now() + timeoutMs, "rollback");
        await purge(session);
      }),
  });

  /** Runs transactions until no call waits. */
  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      const calls = nextCalls(waiting);
      if (calls.length === 0) break;
      try {
        const deadline = Math.min(...calls.map((call) => call.deadline));
        const results = await pool.use((session) => transact(session, calls, deadline, "commit"));
        calls.forEach((call, i) => call.resolve(results[i]!));
      } catch (error) {
        for (const call of calls) call.reject(error);
      }
      if (performance.now() < purgeAt) continue;
      purgeAt = performance.now() + PURGE_MS;
      // Tried again later.
      await pool.use(purge).catch(() => {});
    }
    isRunning = false;
  }

  function apply(action: LimiterAction, charges: readonly Charge[]): Promise<TakeResult> {
    const { promise, resolve, reject } = Promise.withResolvers<TakeResult>();
    const deadline = performance.now() + timeoutMs;
    waiting.push({ action, charges, deadline, resolve, reject });
    if (!isRunning) void run();
    return promise;
  }

  return createLimiter({ apply, close: pool.close });
}

/** @param deadline in ms since 1970; Postgres refuses the statement after it. */
function saveStatement(changes: Changes, now: number, deadline: number | null): Statement {
  const all = [...changes.values()];
  return {
    name: "save_limit_values",
    text: "select o1_api.save_limit_values($1, $2, $3, $4)",
    values: [
      deadline,
      [...changes.keys()],
      all.map(({ value }) => JSON.stringify(value)),
      all.map(({ lifeMs }) => lifeMs > 0 ? now + lifeMs : null),
    ],
  };
}

function isRead({ action, charges }: Call): boolean {
  return action === "take" && charges.every(({ cost }) => cost === 0);
}

/** Removes the calls of the next transaction, and rejects those that are late. */
function nextCalls(waiting: PendingCall[]): PendingCall[] {
  const calls: PendingCall[] = [];
  let charges = 0;
  while (waiting.length > 0) {
    const call = waiting[0]!;
    charges += call.charges.length;
    if (calls.length > 0 && charges > MAX_CHARGES) break;
    waiting.shift();
    if (call.deadline > performance.now()) calls.push(call);
    else call.reject(lateError());
  }
  return calls;
}

function lateError(): Error {
  return Object.assign(new Error("The time of the call is over"), { code: "ETIMEDOUT" });
}
