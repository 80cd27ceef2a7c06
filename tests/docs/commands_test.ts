import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cleanEnv } from "../support/program.ts";
import { reasonWithout, reasonWithoutPackage, skippedFor } from "../support/skip.ts";
import { type Checkout, createCheckout } from "./checkout.ts";
import { type Block, blocksOf, readPages, ROOT, tablesOf } from "./markdown.ts";
import { fetchInTime } from "../support/wait.ts";

// Another test compares the blocks of the translation.
const PAGES = (await readPages()).filter(({ path }) => !path.startsWith(".github/README"));

interface PlacedBlock extends Block {
  path: string;
}

const BLOCKS = PAGES.flatMap((page): PlacedBlock[] =>
  blocksOf(page).map((block) => ({ ...block, path: page.path }))
);
const KEY = "your_api_bearer_token_here";

/** Expected output of each block that is run. */
const OUTPUTS: readonly (readonly [command: RegExp, output: RegExp])[] = [
  [/^curl -N .*chat\/completions/, /"reasoning_content":"[^]*"content":" ?3"[^]*data: \[DONE\]/],
  [/^curl http.*chat\/completions/, /strawberry\\" is 3\.[^]*"usage":\{/],
  [/ask "Is 221 prime/, /221 is not prime/],
  [/ask "What is 17 × 23/, /391/],
  [/^echo .* ask .*--json$/, /"content":"97 is prime[^]*"usage":\{/],
  [/ init --provider ollama/, /^Wrote ollama\.yaml: Ollama, model qwen3:8b\./],
  [/ check$/, /config\.yaml: no faults\. Models: o1, /],
  [/ eval --models demo,o1,o1-vote/, /\ndemo +\d\/5 [^]*\no1 +\d\/5 [^]*\no1-vote +\d\/5 /],
  [/ keys new alice$/, /^sk-o1-[^]*\nkeys:\n {2}- name: "alice"/],
  [/^curl .*\/upstreams/, /"breaker": ?"closed"/],
  [/^curl .*\/metrics/, /^# TYPE o1_api_requests_total counter$[^]*^o1_api_requests_active \d+$/m],
];

const isStart = ({ kind, text }: Block) => kind === "sh" && /task start$/.test(text.trimEnd());
const isRun = ({ notRun }: Block) => notRun === undefined;
const nameOf = ({ path, line, text }: PlacedBlock) =>
  `${path}, line ${line}: ${text.split("\n")[0]}`;

/** Returns the text of a block for a server on this port. */
const onPort = ({ text }: Block, port: number) => text.replaceAll("18888", String(port));

async function runShell(block: Block, checkout: Checkout, port: number): Promise<void> {
  const shows = OUTPUTS.filter(([command]) => command.test(block.text.trimEnd()));
  assertEquals(shows.length, 1, `OUTPUTS has no entry for: ${block.text}`);
  const { code, stdout, stderr } = await checkout.run(onPort(block, port));
  assertEquals(code, 0, stderr);
  assertMatch(stdout, shows[0]![1]);
}

async function runScript(block: Block, checkout: Checkout, port: number): Promise<void> {
  const file = await Deno.makeTempFile({ dir: checkout.dir, suffix: ".mjs" });
  await Deno.writeTextFile(file, onPort(block, port));
  const config = new URL("tests/deno.json", ROOT).pathname;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--frozen",
      `--config=${config}`,
      "--allow-net=127.0.0.1",
      "--allow-env",
      "--allow-read",
      "--allow-sys",
      file,
    ],
    env: cleanEnv({ LANGSMITH_TRACING: "false", LANGCHAIN_TRACING_V2: "false" }),
    clearEnv: true,
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const output = new TextDecoder().decode(stdout);
  // A summary part has no title.
  if (block.text.includes("responses.create")) {
    assertMatch(output, /^Find a divisor of 97\.[^]*97 is prime/);
  } else assertThoughtAndAnswer(output);
}

/** Asserts that the demo's titled thinking and its answer about 97 were printed. */
function assertThoughtAndAnswer(output: string): void {
  assertMatch(output, /\*\*.+\*\*[^]*97 is prime/);
}

async function python(code: string): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const args = ["-c", code];
  const { success, stdout, stderr } = await new Deno.Command("python3", { args }).output();
  const text = new TextDecoder();
  return { success, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

async function runPython(block: Block, _checkout: Checkout, port: number): Promise<void> {
  const { success, stdout, stderr } = await python(onPort(block, port));
  assert(success, stderr);
  assertThoughtAndAnswer(stdout);
}

/** Runs blocks, by kind. */
const RUN: Readonly<
  Record<string, (block: Block, checkout: Checkout, port: number) => Promise<void>>
> = { sh: runShell, js: runScript, python: runPython };

const NO_CURL = reasonWithout("curl");
const NO_PYTHON = reasonWithout("python3");
const NO_OPENAI = await reasonWithoutPackage("openai");

/** Returns why a block is not run, or undefined. */
function skipReasonOf({ kind, text }: Block): string | undefined {
  if (kind === "python") return NO_OPENAI;
  return kind === "sh" && /^curl /m.test(text) ? NO_CURL : undefined;
}

Deno.test(skippedFor(NO_PYTHON, "documented Python programs can be parsed"), async () => {
  for (const block of BLOCKS.filter(({ kind }) => kind === "python")) {
    const parsed = await python(`import ast; ast.parse(${JSON.stringify(block.text)})`);
    assert(parsed.success, `${nameOf(block)}: ${parsed.stderr}`);
  }
});

async function assertShellReads({ text }: Block): Promise<void> {
  const { code, stderr } = await new Deno.Command("bash", { args: ["-n", "-c", text] }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

Deno.test({
  ...skippedFor(
    Deno.build.os === "windows" ? "Windows has no bash" : undefined,
    "documented commands and programs work in a fresh copy of the project",
  ),
  async fn(t) {
    await using checkout = await createCheckout();
    const starts = new Set(BLOCKS.filter(isStart).map(({ text }) => text));
    assertEquals(starts.size, 1, "every page starts the server in the same way");
    await using server = await checkout.serve([...starts][0]!);
    const { port } = server;
    for (const block of BLOCKS) {
      if (block.kind === "sh") await assertShellReads(block);
      if (!isRun(block)) console.log(`not run: ${block.notRun}: ${nameOf(block)}`);
    }
    // A block that several pages share runs once.
    const blocks = BLOCKS.filter((block, i) =>
      !isStart(block) && isRun(block) && block.kind in RUN &&
      BLOCKS.findIndex(({ text }) => text === block.text) === i
    );
    const outcomes: PromiseSettledResult<void>[] = [];
    // Two at a time, as other tests run too; they mostly wait for the demo.
    const queue = blocks.entries();
    const work = async () => {
      for (const [i, block] of queue) {
        if (skipReasonOf(block) !== undefined) continue;
        [outcomes[i]] = await Promise.allSettled([RUN[block.kind]!(block, checkout, port)]);
      }
    };
    await Promise.all([work(), work()]);
    for (const [i, block] of blocks.entries()) {
      await t.step({
        ...skippedFor(skipReasonOf(block), nameOf(block)),
        fn() {
          const outcome = outcomes[i]!;
          if (outcome.status === "rejected") throw outcome.reason;
        },
      });
    }

    const headers = { authorization: `Bearer ${KEY}` };
    const { data } = await (await fetchInTime(`http://127.0.0.1:${port}/v1/models`, { headers }))
      .json();
    const models = new Map(
      data.map(({ id, strategy }: { id: string; strategy: string }) => [id, strategy]),
    );

    await t.step("the clients' settings point to the server and name its models", async () => {
      let addresses = 0;
      for (const block of BLOCKS.filter(({ text }) => text.includes("http://127.0.0.1:18888"))) {
        if (block.kind in RUN) continue;
        assertStringIncludes(block.text, KEY);
        for (const [address] of onPort(block, port).matchAll(/http:\/\/[\w.:/]+/g)) {
          const base = address.replace(/\/(v1)?$/, "");
          const response = await fetchInTime(`${base}/v1/models`, { headers });
          await response.body?.cancel();
          assertEquals(response.status, 200, address);
          addresses++;
        }
        for (const [id] of block.text.matchAll(/\bo1(-(?!api)\w+)?\b(?!-)/g)) {
          assert(models.has(id), `${id} in line ${block.line}`);
        }
      }
      assert(addresses >= 8);
    });

    await t.step("the tables of models list models of a server without configured models", () => {
      const own = (model: string) => model.startsWith("`") ? model : "`demo`";
      const tables = PAGES.flatMap(tablesOf).filter(([head]) => /^model$/i.test(head![0]!));
      assertEquals(tables.length, 2);
      for (const [head, ...rows] of tables) {
        assert(rows.length > 9);
        for (const [model, second] of rows) {
          const strategy = models.get(own(model!).slice(1, -1));
          assert(strategy !== undefined, model);
          if (head![1] === "strategy") assertEquals(second, `\`${strategy}\``, model);
        }
      }
    });
  },
});
