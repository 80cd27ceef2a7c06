#!/usr/bin/env -S deno run --frozen --no-prompt --allow-read=docs/changelog.md --allow-write=docs/changelog.md --allow-run=git
/**
 * Adds a section for the version in deno.json to `docs/changelog.md`, from the conventional commits
 * since the last tag. With `--notes`, prints the section of that version instead.
 *
 * @module
 */
import denoJson from "../deno.json" with { type: "json" };

const ROOT = new URL("../", import.meta.url);
const FILE = new URL("docs/changelog.md", ROOT);

/** Types of commits that users notice, with the headings of their lists. */
const HEADINGS: Readonly<Record<string, string>> = {
  feat: "New",
  fix: "Fixed",
  perf: "Faster",
};

/** Returns a section for a version; breaking changes are first, other types are left out. */
export function section(version: string, titles: readonly string[]): string {
  const lists = new Map<string, string[]>([
    ["Breaking changes", []],
    ...Object.values(HEADINGS).map((heading): [string, string[]] => [heading, []]),
  ]);
  for (const title of titles) {
    const [, type = "", isBreaking, text] = /^(\w+)(?:\([^)]*\))?(!)?: (.+)$/.exec(title) ?? [];
    const heading = isBreaking ? "Breaking changes" : HEADINGS[type];
    if (heading === undefined || text === undefined) continue;
    lists.get(heading)!.push(`- ${text[0]!.toUpperCase()}${text.slice(1)}.`);
  }
  const shown = [...lists].filter(([, lines]) => lines.length > 0)
    .map(([heading, lines]) => `### ${heading}\n\n${lines.join("\n")}\n`);
  return `## ${version}\n\n${shown.join("\n")}`;
}

/** Returns the text below a version's heading; undefined if there is no such version. */
export function notesOf(changelog: string, version: string): string | undefined {
  return changelog.split(/^## /m).find((part) => part.startsWith(`${version}\n`))
    ?.slice(version.length).trim();
}

/** @throws {Error} if the version is in the changelog already. */
export function addSection(changelog: string, version: string, titles: readonly string[]): string {
  if (notesOf(changelog, version) !== undefined) {
    throw new Error(
      `docs/changelog.md has a section for ${version}; set a new version in deno.json`,
    );
  }
  const [head, ...sections] = changelog.split(/^(?=## )/m);
  return [head, `${section(version, titles)}\n`, ...sections].join("");
}

async function git(...args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command("git", { args, cwd: ROOT }).output();
  return success ? new TextDecoder().decode(stdout).trim() : "";
}

if (import.meta.main) {
  const { version } = denoJson;
  const changelog = await Deno.readTextFile(FILE);
  if (Deno.args.includes("--notes")) console.log(notesOf(changelog, version) ?? "");
  else {
    const tag = await git("describe", "--tags", "--abbrev=0");
    const titles = await git("log", "--format=%s", ...(tag === "" ? [] : [`${tag}..`]));
    await Deno.writeTextFile(FILE, addSection(changelog, version, titles.split("\n")));
  }
}
