/** Runs the program with the strategy over a scripted upstream: `deno test -A FILE`. */
import { fileURLToPath } from "node:url";

const PROGRAM = Deno.env.get("O1_API")?.split(" ") ??
  [Deno.execPath(), "run", "-A", fileURLToPath(new URL("../../main.ts", import.meta.url))];

/** Returns the answer to a question, if the upstream gives these replies in turn. */
async function ask(replies: string[]): Promise<{ answer: string; prompts: string[] }> {
  const prompts: string[] = [];
  await using upstream = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const { messages } = await request.json();
      const content = replies[prompts.push(messages[0].content) - 1];
      return Response.json({
        choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
      });
    },
  );
  const folder = await Deno.makeTempDir();
  const config = {
    default_api_url: `http://127.0.0.1:${upstream.addr.port}/v1`,
    default_model: "scripted",
    strategies: { second_look: fileURLToPath(new URL("second_look.ts", import.meta.url)) },
    models: { careful: { strategy: "second_look" } },
  };
  await Deno.writeTextFile(`${folder}/config.yaml`, JSON.stringify(config));
  const [path, ...args] = PROGRAM;
  const { stdout, stderr } = await new Deno.Command(path!, {
    args: [...args, "ask", "--json", "--config", `${folder}/config.yaml`, "What is 6 × 7?"],
    stdin: "null",
  }).output();
  await Deno.remove(folder, { recursive: true });
  const text = new TextDecoder();
  try {
    const { choices: [{ message }] } = JSON.parse(text.decode(stdout));
    return { answer: message.content, prompts };
  } catch {
    throw new Error(text.decode(stderr));
  }
}

function assert(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

Deno.test("two equal answers are shown without a third call", async () => {
  const { answer, prompts } = await ask([
    "<think>Hm.</think>It is 42.\nFINAL: 42",
    "It is 42.0.\nFINAL: 42.0",
  ]);
  assert(["It is 42.", "It is 42.0."].includes(answer), answer);
  assert(prompts.length === 2, `${prompts.length} calls`);
});

Deno.test("a third call decides between two different answers", async () => {
  const { answer, prompts } = await ask(["FINAL: 41", "FINAL: 42", "It is 42."]);
  assert(answer === "It is 42.", answer);
  assert(prompts[2]!.startsWith("Two answers to the last message differ:"), prompts[2]!);
});
