/**
 * Whether what the server has acknowledged is still there.
 *
 * @module
 */
import type { Client } from "./client.ts";
import type { Report } from "./report.ts";
import type { Owed } from "./traffic.ts";

/** Requests at a time. */
const AT_ONCE = 8;

/** Runs a check over a list, several at a time. */
async function each<T>(list: readonly T[], check: (item: T) => Promise<void>): Promise<void> {
  const rest = list.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const item of rest) await check(item);
  }));
}

/** Fetches everything that the server owes. */
export async function checkOwed(
  when: string,
  client: Client,
  owed: Owed,
  report: Report,
): Promise<void> {
  const faults: string[] = [];
  const get = (who: Parameters<Client["ask"]>[0]["who"], path: string) =>
    client.ask({ who, method: "GET", path });
  await each(owed.kept, async ({ id, who, output }) => {
    const { entry, json } = await get(who, `/responses/${id}`);
    if (entry.status !== 200) faults.push(`${id}: ${entry.status}`);
    else if (json.status !== "completed") faults.push(`${id}: ${json.status}`);
    else if (JSON.stringify(json.output) !== output) faults.push(`${id}: another output`);
  });
  report.tell(`${when}: responses fetched`, owed.kept.length);
  report.none(`${when}: responses lost or changed`, faults.splice(0));
  await each([...owed.conversations], async ([id, { who, items }]) => {
    const { entry, json } = await get(who, `/conversations/${id}/items?limit=100`);
    if (entry.status !== 200) return void faults.push(`${id}: ${entry.status}`);
    const there = new Set(json.data.map((item: { id: string }) => item.id));
    faults.push(
      ...items.filter((item) => !there.has(item)).map((item) => `${id}: ${item} is gone`),
    );
  });
  report.tell(`${when}: conversations fetched`, owed.conversations.size);
  report.none(`${when}: items of conversations lost`, faults.splice(0));
  await each(owed.deleted, async ({ id, who }) => {
    const { entry } = await get(who, `/responses/${id}`);
    if (entry.status !== 404) faults.push(`${id}: ${entry.status}`);
  });
  report.none(`${when}: deleted responses that are back (of ${owed.deleted.length})`, faults);
}

/** Looks how the runs without clients ended, by status; none may still run. */
export async function checkBackground(
  when: string,
  client: Client,
  { background }: Owed,
  report: Report,
): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  const faults: string[] = [];
  await each(background, async ({ id, who }) => {
    const { entry, json } = await client.ask({ who, method: "GET", path: `/responses/${id}` });
    if (entry.status !== 200) return void faults.push(`${id}: ${entry.status}`);
    const { status, error } = json;
    if (status === "in_progress" || status === "queued") faults.push(`${id}: ${status}`);
    const end = status === "failed" ? `failed, ${error?.code}` : status;
    ends.set(end, (ends.get(end) ?? 0) + 1);
  });
  for (const [end, count] of ends) report.tell(`${when}: background, ${end}`, count);
  report.none(`${when}: background responses lost or without an end`, faults);
  return ends;
}
