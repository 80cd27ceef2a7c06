import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse as parseYaml } from "@std/yaml";
import { parseConfig } from "../../lib/config/load.ts";
import { resolveConfig } from "../../lib/config/resolve.ts";
import { strategyTable } from "../../lib/config/strategy_files.ts";
import { PROVIDERS } from "../../lib/cli/init/providers.ts";
import { reasonWithout, skippedFor } from "../support/skip.ts";
import { type Block, blocksOf, type Page, proseOf, readPages, ROOT, tablesOf } from "./markdown.ts";

const PAGES = await readPages();

const pageAt = (path: string): Page => PAGES.find((page) => page.path === path)!;

/** Configuration files of other programs. */
const OTHERS = [
  "librechat.yaml",
  "~/.continue/config.yaml",
  "~/.aider.model.settings.yml",
  "prometheus.yml",
];

/** Returns the file named in the block's first line. */
const fileOf = ({ text }: Block) => /^# (\S+)\n/.exec(text)?.[1];

async function readConfig(text: string): Promise<void> {
  // Of these, not every text is valid.
  const isUnset = (name: string) => name.startsWith("DENO") || name === "O1_API_SHUTDOWN_DELAY_MS";
  const env = (name: string) => isUnset(name) ? undefined : `${name} of the environment`;
  const config = await parseConfig(text, {
    env,
    file: "/etc/o1-api/config.yaml",
    // The examples of strategies are the only files.
    readFile: (path) =>
      Deno.readTextFile(new URL(path.replace("/etc/o1-api/strategies/", "docs/strategies/"), ROOT)),
  });
  const strategies = await strategyTable(config.strategies);
  assert(resolveConfig(config, { env, strategies }).models.length > 0);
}

/** Checks of each kind of block, besides running it. */
const KINDS: Readonly<Record<string, (block: Block) => unknown>> = {
  // Other tests run these.
  sh: () => {},
  js: () => {},
  // Files that other tests run.
  ts({ text }) {
    const folder = new URL("docs/strategies/", ROOT);
    const files = [...Deno.readDirSync(folder)].map(({ name }) => new URL(name, folder));
    assert(files.some((file) => Deno.readTextFileSync(file) === text), "not a file of its folder");
  },
  python: () => {},
  // Menu paths and values to enter.
  text: ({ text }) => assertMatch(text, /^.+ → .+\n(?:\S.*(?: {2,}| → ).+\n)*$/),
  // The tests of metrics check these.
  promql: () => {},
  // A picture.
  mermaid: () => {},
  json: ({ text }) => JSON.parse(text),
  // The tests of Codex run with it.
  toml: ({ text }) => assertMatch(text, /^(?:#.*\n|\[.+\]\n|\w+ = ".*"(?: #.*)?\n|\n)+$/),
  dotenv: ({ text }) => assertMatch(text, /^(?:[A-Z][A-Z0-9_]*=\S+\n)+$/),
  yaml: (block) =>
    OTHERS.includes(fileOf(block) ?? "") ? parseYaml(block.text) : readConfig(block.text),
};

// Its blocks are prompts.
const GENERATED = pageAt("docs/strategy-reference.md");

for (const page of PAGES.filter((page) => page !== GENERATED)) {
  Deno.test(`every block in ${page.path} is valid`, async () => {
    assertEquals(proseOf(page).includes("```"), false, "an unclosed block");
    assertEquals(proseOf(page).includes("not run:"), false, "a mark without a block");
    for (const block of blocksOf(page)) {
      const check = KINDS[block.kind];
      assert(check !== undefined, `line ${block.line}: no such kind as "${block.kind}"`);
      try {
        await check(block);
      } catch (error) {
        throw new Error(`${page.path}, line ${block.line}: ${error}`, { cause: error });
      }
    }
  });
}

Deno.test("every command uses the same version of Deno", () => {
  const versions = PAGES.flatMap(({ text }) =>
    [...text.matchAll(/npx -y deno@([\d.]+)/g)].map(([, version]) => version)
  );
  assert(versions.length > 5);
  assertEquals(new Set(versions).size, 1);
});

const figure = (cell: string | undefined) => /^[\d.]+/.exec(cell ?? "")?.[0];

Deno.test("the table of models shows the figures of the simulation", () => {
  const tables = tablesOf(pageAt("docs/strategies.md"));
  const models = tables.find(([head]) => head?.[0] === "model")!.slice(1);
  const [, ...simulated] = tables.find(([head]) => head?.[0] === "strategy")!;
  for (const [strategy, , , calls, inARow, generated] of simulated) {
    const row = models.find((cells) => cells[1] === strategy)!;
    // `auto` has no figures, and `steps` no figure for its calls in a row.
    const shown = row.slice(4).map(figure);
    const expected = [calls, inARow, generated].filter((_, i) => shown[i] !== undefined);
    assertEquals(shown.filter((value) => value !== undefined), expected, strategy);
  }
  assertEquals(simulated.length, models.length);
});

Deno.test("the README shows the models and costs of the page about strategies", () => {
  const rows = (path: string, first: string) =>
    tablesOf(pageAt(path)).find(([head]) => head?.[0] === first)!.slice(1);
  const own = (model: string) => model.startsWith("`") ? model : "the upstream model's name";
  assertEquals(
    rows("README.md", "Model").map((
      [model, , cost],
    ) => [own(model!), cost === "1–16×" ? undefined : figure(cost)]),
    rows("docs/strategies.md", "model").map(([model, ...cells]) => [model, figure(cells.at(-1))]),
  );
});

Deno.test("the table of providers lists the providers of `o1-api init`", () => {
  const [, ...rows] = tablesOf(pageAt("docs/providers.md"))[0]!;
  assertEquals(
    rows.map(([title, url]) => [title, url]),
    PROVIDERS.flatMap(({ title, url }) => url === undefined ? [] : [[title, `\`${url}\``]]),
  );
});

Deno.test(skippedFor(reasonWithout("systemd-analyze"), "the systemd unit is valid"), async () => {
  const unit = await Deno.readTextFile(new URL("deploy/o1-api.service", ROOT));
  const dir = await Deno.makeTempDir();
  try {
    const file = `${dir}/o1-api.service`;
    // The program is not installed here.
    await Deno.writeTextFile(file, unit.replace("/opt/o1-api/o1-api", "/bin/true"));
    const { stderr } = await new Deno.Command("systemd-analyze", { args: ["verify", file] })
      .output();
    const messages = new TextDecoder().decode(stderr).split("\n").filter((line) =>
      line.includes("o1-api.service")
    );
    assertEquals(messages, []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
