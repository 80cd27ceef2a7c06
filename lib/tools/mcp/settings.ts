import { z } from "zod";
import { headerText, serviceUrl } from "../settings.ts";

const server = z.strictObject({
  url: serviceUrl.optional().describe("Address of a server that speaks HTTP."),
  headers: z.record(z.string().regex(/^[\w-]+$/, "is not a valid header name"), headerText)
    .default({}).describe("Headers added to every request to the `url`, such as a key."),
  command: z.string().min(1).optional().describe(
    "Program of a server that speaks by its input and output. Needs Deno's --allow-run.",
  ),
  args: z.array(z.string()).default([]).describe("Arguments of the `command`."),
  env: z.record(z.string(), z.string()).default({}).describe(
    "Variables of the `command`, which gets none of the server's own but PATH, HOME and the like.",
  ),
  allow: z.array(z.string().min(1)).min(1).describe(
    'Names of its tools that models may use; `["*"]` allows all.',
  ),
  connect_ms: z.number().int().min(100).max(120_000).default(5_000).describe(
    "Time limit for connecting, and for each page of the list of tools, in milliseconds.",
  ),
  time_ms: z.number().int().min(100).max(3_600_000).default(60_000).describe(
    "Time limit for one call, in milliseconds.",
  ),
  max_characters: z.number().int().min(100).max(1_000_000).default(20_000).describe(
    "Maximum length of the text of one result.",
  ),
}).superRefine(({ url, command, headers, args, env }, context) => {
  const reject = (path: string, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if (url === undefined && command === undefined) reject("url", "set a url or a command");
  if (url !== undefined && command !== undefined) {
    reject("command", "set a url or a command, not both");
  }
  if (url === undefined && Object.keys(headers).length > 0) reject("headers", "needs a url");
  const hasProcessSettings = args.length > 0 || Object.keys(env).length > 0;
  if (command === undefined && hasProcessSettings) reject("args", "args and env need a command");
});

export const options = z.strictObject({
  servers: z.record(
    z.string().regex(/^[A-Za-z0-9_-]{1,24}$/, "must be at most 24 letters, digits, _ and -"),
    server,
  ).describe("MCP servers, by names that you choose. A name is the beginning of its tools' names."),
});

export type McpSettings = z.output<typeof options>;
export type ServerSettings = z.output<typeof server>;
