import "./setup.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import Anthropic from "@anthropic-ai/sdk";
import {
  Agent,
  hostedMcpTool,
  OpenAIResponsesModel,
  run,
  setTracingDisabled,
} from "@openai/agents";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText } from "ai";
import OpenAI from "openai";
import { z } from "zod";
import { TOKEN } from "../support/app.ts";
import { startUpstream } from "../support/upstream.ts";
import { createToolApp as createApprovalApp, toolCall } from "../server/tools/setup.ts";
import { codeCall, createToolApp, resultsOf, threads } from "../reasoning/tools/setup.ts";

setTracingDisabled(true);

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
  "openai: Responses answers a question with code, and the call is one of its items",
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
  "openai: Chat Completions answers a question with code, which the thinking shows",
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
  "@anthropic-ai/sdk: Messages answers a question with code, and the call is one of its blocks",
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

/** A server whose model adds by an MCP server. `ran` has the arguments with which it has added. */
async function serveCalculator() {
  const ran: unknown[] = [];
  const served = await createApprovalApp(
    (call) => {
      const [result] = resultsOf(call);
      return result === undefined
        ? toolCall("calculator__add", { a: 19, b: 23 })
        : { content: /\d+/.exec(result.split("<tool_output>")[1] ?? "")?.[0] ?? "Denied." };
    },
    {
      pages: [],
      server: "calculator",
      register(server) {
        server.registerTool("add", { inputSchema: { a: z.number(), b: z.number() } }, (args) => {
          ran.push(args);
          return { content: [{ type: "text", text: String(args.a + args.b) }] };
        });
      },
    },
  );
  const { handle } = served.app;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handle);
  return {
    ran,
    mcpUrl: served.mcp.url,
    url: `http://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await served[Symbol.asyncDispose]();
    },
  };
}

Deno.test(
  "openai: Responses asks for approval of a call, and runs it once it is approved",
  threads,
  async () => {
    await using served = await serveCalculator();
    const { ran, mcpUrl } = served;
    const { responses } = openAi(served.url);
    const body = {
      model: "all",
      tools: [{
        type: "mcp" as const,
        server_label: "calculator",
        server_url: mcpUrl,
        require_approval: "always" as const,
      }],
    };
    const requestOf = ({ output }: OpenAI.Responses.Response) => {
      const request = output.find((item) => item.type === "mcp_approval_request");
      assert(request?.type === "mcp_approval_request");
      return request;
    };
    const answer = ({ id }: { id: string }, approve: boolean) => ({
      type: "mcp_approval_response" as const,
      approval_request_id: id,
      approve,
    });

    const whole = await responses.create({ ...body, input: QUESTION });
    const asked = requestOf(whole);
    assertEquals([asked.name, asked.server_label, ran], ["add", "calculator", []]);
    const next = await responses.create({
      ...body,
      previous_response_id: whole.id,
      input: [answer(asked, true)],
    });
    const call = next.output.find((item) => item.type === "mcp_call");
    assert(call?.type === "mcp_call");
    assertEquals([next.output_text, call.output, call.approval_request_id], ["42", "42", asked.id]);
    assertEquals(ran, [{ a: 19, b: 23 }]);

    // Without storage, as a stream, and denied.
    const question = { role: "user" as const, content: QUESTION };
    const first = await responses.stream({ ...body, input: [question], store: false })
      .finalResponse();
    for (const [approve, text] of [[false, "Denied."], [true, "42"]] as const) {
      const other = approve
        ? await responses.stream({ ...body, input: [question], store: false }).finalResponse()
        : first;
      const input = [question, ...other.output, answer(requestOf(other), approve)];
      const last = await responses.stream({
        ...body,
        store: false,
        input: input as OpenAI.Responses.ResponseInput,
      }).finalResponse();
      assertEquals(last.output_text, text);
    }
    assertEquals(ran.length, 2);
  },
);

Deno.test(
  "@openai/agents: an agent asks for approval of a call, and continues",
  threads,
  async () => {
    await using served = await serveCalculator();
    const { ran, mcpUrl } = served;
    for (const approve of [true, false]) {
      const asked: string[] = [];
      const agent = new Agent({
        name: "calculator",
        model: new OpenAIResponsesModel(openAi(served.url), "all"),
        tools: [
          hostedMcpTool({
            serverLabel: "calculator",
            serverUrl: mcpUrl,
            requireApproval: "always",
            onApproval(_context, { rawItem }) {
              asked.push(JSON.stringify(rawItem));
              return Promise.resolve({ approve });
            },
          }),
        ],
      });
      const { finalOutput } = await run(agent, QUESTION);
      assertEquals([finalOutput, asked.length], [approve ? "42" : "Denied.", 1]);
      assertStringIncludes(asked[0]!, "19");
    }
    assertEquals(ran, [{ a: 19, b: 23 }]);
  },
);

// Without storage, the package sends the answer alone: no server can know what it is about.
Deno.test("AI SDK: an approved call runs", threads, async () => {
  await using served = await serveCalculator();
  const { ran, mcpUrl } = served;
  const openai = createOpenAI({ baseURL: `${served.url}/v1`, apiKey: TOKEN });
  const options = {
    model: openai.responses("all"),
    tools: {
      mcp: openai.tools.mcp({
        serverLabel: "calculator",
        serverUrl: mcpUrl,
        requireApproval: "always",
      }),
    },
  };
  const question = { role: "user" as const, content: QUESTION };
  const first = await generateText({ ...options, messages: [question] });
  const request = first.content.find(({ type }) => type === "tool-approval-request");
  assert(request?.type === "tool-approval-request");
  assertEquals(ran, []);
  const second = await generateText({
    ...options,
    messages: [question, ...first.response.messages, {
      role: "tool",
      content: [{
        type: "tool-approval-response",
        approvalId: request.approvalId,
        approved: true,
        providerExecuted: true,
      }],
    }],
  });
  assertEquals([second.text, ran.length], ["42", 1]);
});
