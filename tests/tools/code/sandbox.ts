import { code } from "../../../lib/tools/code/kind.ts";
import type { Tool, ToolSource } from "../../../lib/tools/tool.ts";
import { systemClock } from "../../../lib/clock.ts";
import { waitFor } from "../../support/wait.ts";

/** Opens the tool `code` with these settings. */
export function openCode(settings: Record<string, unknown> = {}): ToolSource {
  return code.open(code.options.parse(settings) as never, { onDeploy: false });
}

/** Runs code and returns the text of its result. */
export async function runCode(
  source: ToolSource,
  code: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ text: string; isError: boolean }> {
  const tool = (await source.tools(signal))[0] as Tool;
  const result = await waitFor(
    `the end of ${code.slice(0, 60)}`,
    tool.run({ code }, { signal, clock: systemClock }),
  );
  const [content] = result.content;
  return {
    text: content?.type === "text" ? content.text : "",
    isError: result.isError ?? false,
  };
}
