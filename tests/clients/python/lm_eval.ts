/**
 * lm-eval from PyPI, with a task of three questions beside this file.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { TOKEN } from "../../support/app.ts";
import { reasonWithout, skippedFor } from "../../support/skip.ts";
import { waitFor } from "../../support/wait.ts";
import { MODELS, serve, thinking, WORDS } from "../served.ts";

for (const model of MODELS) {
  Deno.test({
    ...skippedFor(reasonWithout("lm_eval"), `lm-eval scores three questions, with ${model}`),
    async fn() {
      const home = await Deno.makeTempDir();
      await using served = await serve(thinking(model, [WORDS]));
      const child = new Deno.Command("lm_eval", {
        args: [
          ...["run", "--model", "local-chat-completions", "--model_args"],
          `model=${model},base_url=${served.url}/chat/completions,max_retries=1`,
          ...["--include_path", ".", "--tasks", "sums", "--apply_chat_template"],
          ...["--gen_kwargs", "max_gen_toks=4096"],
        ],
        cwd: fileURLToPath(new URL(".", import.meta.url)),
        clearEnv: true,
        env: {
          PATH: Deno.env.get("PATH") ?? "",
          HOME: home,
          OPENAI_API_KEY: TOKEN,
          HF_HUB_OFFLINE: "1",
          PYTHONDONTWRITEBYTECODE: "1",
        },
      });
      const { stdout, stderr } = await waitFor("lm-eval to end", child.output(), 120_000);
      const text = new TextDecoder();
      const score = /\|exact_match\|.*?\|([\d. ]+)\|/.exec(text.decode(stdout))?.[1];
      // The upstream answers 4 to each question, which is right for two of them.
      assertEquals(score?.trim(), "0.6667", text.decode(stderr));
      assertEquals(served.visible().length, 3);
      await Deno.remove(home, { recursive: true });
    },
  });
}
