/**
 * Checks that everything the server has acknowledged is still stored.
 *
 * @module
 */
import type { Client } from "./client.ts";
import type { Report } from "./report.ts";
import type { Expected } from "./traffic.ts";

const CONCURRENCY = 8;

/** Runs a check for each item, several at a time. */
async function forEach<T>(list: readonly T[], check: (item: T) => Promise<void>): Promise<void> {
  const rest = list.values();
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    for (const item of rest) await check(item);
  }));
}

/** Fetches all stored responses and conversations. */
export async function checkStored(
  when: string,
  client: Client,
  expected: Expected,
  report: Report,
): Promise<void> {
  const faults: string[] = [];
  const get = (who: Parameters<Client["ask"]>[0]["who"], path: string) =>
    client.ask({ who, method: "GET", path });
  await forEach(expected.responses, async ({ id, who, output }) => {
    const { entry, json } = await get(who, `/responses/${id}`);
    if (entry.status !== 200) faults.push(`${id}: ${entry.status}`);
    else if (json.status !== "completed") faults.push(`${id}: ${json.status}`);
    else if (JSON.stringify(json.output) !== output) faults.push(`${id}: different output`);
  });
  report.note(`${when}: responses fetched`, expected.responses.length);
  report.none(`${when}: lost or changed responses`, faults.splice(0));
  await forEach([...expected.conversations], async ([id, { who, items }]) => {
    const { entry, json } = await get(who, `/conversations/${id}/items?limit=100`);
    if (entry.status !== 200) return void faults.push(`${id}: ${entry.status}`);
    const stored = new Set(json.data.map((item: { id: string }) => item.id));
    faults.push(
      ...items.filter((item) => !stored.has(item)).map((item) => `${id}: ${item} is missing`),
    );
  });
  report.note(`${when}: conversations fetched`, expected.conversations.size);
  report.none(`${when}: lost items of conversations`, faults.splice(0));
  await forEach(expected.deleted, async ({ id, who }) => {
    const { entry } = await get(who, `/responses/${id}`);
    if (entry.status !== 404) faults.push(`${id}: ${entry.status}`);
  });
  report.none(
    `${when}: deleted responses that still exist (of ${expected.deleted.length})`,
    faults,
  );
}

/** Counts background responses by status; none may still be running. */
export async function checkBackground(
  when: string,
  client: Client,
  { background }: Expected,
  report: Report,
): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  const faults: string[] = [];
  await forEach(background, async ({ id, who }) => {
    const { entry, json } = await client.ask({ who, method: "GET", path: `/responses/${id}` });
    if (entry.status !== 200) return void faults.push(`${id}: ${entry.status}`);
    const { status, error } = json;
    if (status === "in_progress" || status === "queued") faults.push(`${id}: ${status}`);
    const end = status === "failed" ? `failed, ${error?.code}` : status;
    ends.set(end, (ends.get(end) ?? 0) + 1);
  });
  for (const [end, count] of ends) report.note(`${when}: background, ${end}`, count);
  report.none(`${when}: lost or unfinished background responses`, faults);
  return ends;
}
