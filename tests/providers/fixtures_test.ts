import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "@std/assert";
import { createTestApp, type TestApp } from "../support/app.ts";
import { answerCalls, encodeFor, type Result, sendAs } from "./dialects.ts";
import {
  type Dialect,
  DIALECTS,
  type Fixture,
  type Mode,
  MODES,
  problemOf,
  readFixtures,
  STRATEGIES,
  type Strategy,
} from "./fixture.ts";
import { type Provider, startProvider } from "./provider.ts";

interface Cell {
  /** The published model, whose upstream model has the same name: lessons are not shared. */
  model: string;
  strategy: Strategy;
  dialect: Dialect;
  mode: Mode;
}

/** Few calls, so that the table is fast. */
const OPTIONS: Partial<Record<Strategy, Record<string, number>>> = {
  vote: { wave: 3 },
  moa: { proposers: 2 },
  rsa: { population: 3, rounds: 1, subset: 2 },
};

/** Calls that a strategy makes at once before it can learn from a refusal. */
const FIRST_CALLS: Record<Strategy, number> = {
  direct: 1,
  think: 1,
  steps: 1,
  vote: 3,
  moa: 2,
  verify: 2,
  rsa: 3,
};

const QUESTION = { messages: [{ role: "user", content: "What is 6 * 7?" }] };

for (const fixture of readFixtures()) {
  Deno.test(`provider ${fixture.name}: ${fixture.about}`, async (t) => {
    const cells = cellsOf(fixture);
    await using provider = startProvider(fixture);
    const app = await createApp(fixture, cells, provider);
    for (const cell of cells) {
      await t.step(cell.model, () => runCell(fixture, cell, app, provider));
    }
    const refusals = fixture.replies.filter(({ status = 200 }) => status !== 200);
    assertEquals(provider.unused(), fixture.avoided ? refusals : [], "unused replies");
  });
}

Deno.test("every fixture names a public report", () => {
  const fixtures = readFixtures();
  assert(fixtures.length > 0);
  for (const { name, report } of fixtures) {
    assert(/^https:\/\/\S+\/\S+$/.test(report), `${name}: ${report}`);
  }
});

function cellsOf({ only = {} }: Fixture): Cell[] {
  const { strategies = STRATEGIES, dialects = DIALECTS, modes = MODES } = only;
  return strategies.flatMap((strategy) =>
    dialects.flatMap((dialect) =>
      modes.map((mode) => ({ model: `${strategy}-${dialect}-${mode}`, strategy, dialect, mode }))
    )
  );
}

function createApp(fixture: Fixture, cells: Cell[], { upstream }: Provider): Promise<TestApp> {
  const config = {
    upstreams: {
      provider: {
        base_url: upstream.url,
        retry: { base_ms: 1, max_ms: 50 },
        ...fixture.upstream,
      },
    },
    models: Object.fromEntries(cells.map(({ model, strategy }) => [model, {
      strategy,
      upstream: "provider",
      model: fixture.modelName === undefined ? model : `${fixture.modelName}-${model}`,
      ...(OPTIONS[strategy] && { options: OPTIONS[strategy] }),
      ...fixture.model,
    }])),
    stream_status_feedback: false,
    secret: "the same after a restart, and long enough",
  };
  // JSON is valid YAML.
  const yaml = Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return createTestApp({ upstream: upstream.url, yaml: yaml.join("\n") });
}

async function runCell(
  fixture: Fixture,
  cell: Cell,
  app: TestApp,
  provider: Provider,
): Promise<void> {
  const { model, dialect, mode, strategy } = cell;
  const request = encodeFor(dialect, { model, ...QUESTION, ...fixture.request });
  const first = await sendAs(app, dialect, mode, request);
  const calls = provider.taken();
  if (fixture.fails !== undefined) {
    const status = first.status === 200 ? first.json.error?.status ?? 200 : first.status;
    assertEquals(status, fixture.fails.status, JSON.stringify(first.json));
    assertStringIncludes(first.error, fixture.fails.message);
    assert(calls.length <= FIRST_CALLS[strategy], `${calls.length} calls`);
    return;
  }
  if (!fixture.teaches) checkAnswer(fixture, cell, first, calls);
  const second = await sendAs(app, dialect, mode, request);
  const later = provider.taken();
  checkAnswer(fixture, cell, second, later);
  const refused = later.filter(({ status }) => status !== 200);
  if (!fixture.refusesAgain) assertEquals(refused.map(({ call }) => call.body), []);
  if (!fixture.toolLoop) return;
  for (const keepsFields of [true, false]) {
    const results = await sendAs(
      app,
      dialect,
      mode,
      answerCalls(dialect, request, second, keepsFields),
    );
    assertEquals(results.error, "", `after tools, the client keeps fields: ${keepsFields}`);
    assertStringIncludes(results.text, "42");
    const refused = provider.taken().filter(({ status }) => status !== 200);
    assertEquals(refused.map(({ call }) => call.body), []);
  }
  if (!fixture.survivesRestart) return;
  const restarted = await createApp(fixture, [cell], provider);
  const results = await sendAs(
    restarted,
    dialect,
    mode,
    answerCalls(dialect, request, second, true),
  );
  assertEquals(results.error, "", "after tools and a restart");
  assertStringIncludes(results.text, "42");
  provider.taken();
}

function checkAnswer(
  { answer, differ, thinking, calls, lastCall, everyCall, response }: Fixture,
  { dialect, mode }: Cell,
  result: Result,
  upstreamCalls: ReturnType<Provider["taken"]>,
): void {
  assertEquals(result.error, "");
  assertEquals(result.status, 200);
  if (calls !== undefined) {
    const made = result.calls.map((call) => ({
      name: call.name,
      arguments: JSON.parse(call.arguments),
    }));
    assertEquals(made, calls);
  } else if (answer === undefined) assertMatch(result.text, differ ? /\d/ : /42/);
  else assertEquals(result.text, answer);
  if (answer === undefined) assertNotMatch(result.text, /<\/?think/);
  if (thinking !== undefined) assertStringIncludes(result.thinking, thinking);
  const accepted = upstreamCalls.filter(({ status }) => status === 200).map(({ call }) => call);
  const schemaOf = response?.[dialect];
  if (schemaOf !== undefined && mode === "json") {
    assertEquals(problemOf(schemaOf, result.json), undefined, JSON.stringify(result.json));
  }
  if (lastCall !== undefined) {
    const { body } = accepted.at(-1)!;
    assertEquals(problemOf(lastCall, body), undefined, JSON.stringify(body));
  }
  for (const { body } of everyCall === undefined ? [] : accepted) {
    assertEquals(problemOf(everyCall!, body), undefined, JSON.stringify(body));
  }
}
