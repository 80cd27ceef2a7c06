import "./setup.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { TOKEN } from "../support/app.ts";
import { startUpstream } from "../support/upstream.ts";
import { codeCall, createToolApp, resultsOf, threads } from "../reasoning/tools/setup.ts";

const QUESTION = "What is 2 to the power of 100?";
const CODE = "2n ** 100n";
const RESULT = "1267650600228229401496703205376";

/** A server whose upstream can't calculate: it runs code and repeats what came back. */
async function serve() {
  const upstream = startUpstream((call) => {
    const [result] = resultsOf(call);
    return result === undefined ? codeCall(CODE) : { content: /\d{20,}/.exec(result)![0] };
  });
  const app = await createToolApp(upstream);
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, app.handle);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await app[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const openAi = (url: string) => new OpenAI({ apiKey: TOKEN, baseURL: `${url}/v1`, maxRetries: 0 });

Deno.test(
  "openai: Responses solves a question by code, with the call among the items",
  threads,
  async () => {
    await using served = await serve();
    const { responses } = openAi(served.url);
    const body = {
      model: "direct",
      input: QUESTION,
      tools: [{ type: "code_interpreter" as const, container: { type: "auto" as const } }],
    };
    const expected = [CODE, "completed", [{ type: "logs", logs: RESULT }]];
    const callOf = ({ output }: OpenAI.Responses.Response) => {
      const call = output.find((item) => item.type === "code_interpreter_call");
      assert(call?.type === "code_interpreter_call");
      return [call.code, call.status, call.outputs];
    };
    const whole = await responses.create(body);
    assertEquals([whole.output_text, callOf(whole)], [RESULT, expected]);

    const stream = responses.stream(body);
    let code = "";
    stream.on("response.code_interpreter_call_code.delta", ({ delta }) => code += delta);
    const last = await stream.finalResponse();
    assertEquals([last.output_text, callOf(last), code], [RESULT, expected, CODE]);

    const input = [...whole.output, { role: "user" as const, content: "Again." }];
    const next = await responses.create({
      ...body,
      input: input as OpenAI.Responses.ResponseInput,
    });
    assertEquals(next.output_text, RESULT);
  },
);

Deno.test(
  "openai: Chat Completions solves a question by code, which the thinking shows",
  threads,
  async () => {
    await using served = await serve();
    const stream = await openAi(served.url).chat.completions.create({
      model: "direct",
      messages: [{ role: "user", content: QUESTION }],
      stream: true,
    });
    let content = "";
    let reasoning = "";
    for await (const { choices: [choice] } of stream) {
      const delta = choice?.delta as { content?: string; reasoning_content?: string } | undefined;
      content += delta?.content ?? "";
      reasoning += delta?.reasoning_content ?? "";
    }
    assertEquals(content, RESULT);
    assertStringIncludes(reasoning, CODE);
    assertStringIncludes(reasoning, RESULT);
  },
);

Deno.test(
  "@anthropic-ai/sdk: Messages solves a question by code, with the call among the blocks",
  threads,
  async () => {
    await using served = await serve();
    const client = new Anthropic({ baseURL: served.url, apiKey: TOKEN, maxRetries: 0 });
    const stream = client.messages.stream({
      model: "direct",
      max_tokens: 4_000,
      thinking: { type: "enabled", budget_tokens: 2_000 },
      messages: [{ role: "user", content: QUESTION }],
      // The types of the package know this tool in its beta part only.
      tools: [{ type: "code_execution_20250522", name: "code_execution" }] as never,
    });
    const { content } = await stream.finalMessage();
    const [thinking, use, result, text] = content;
    assert(thinking?.type === "thinking" && text?.type === "text");
    assertEquals(text.text, RESULT);
    assert(use?.type === "server_tool_use" && result?.type === "code_execution_tool_result");
    assertEquals([use.name, use.input, result.tool_use_id], [
      "code_execution",
      { code: CODE },
      use.id,
    ]);
    assertEquals((result.content as { stdout?: string }).stdout, RESULT);
    assertStringIncludes(thinking.thinking, CODE);
    assertStringIncludes(thinking.thinking, RESULT);
  },
);
