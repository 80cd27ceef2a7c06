import { z } from "zod";
import { attempt, failureResult, textField } from "../failure.ts";
import type { Tool, ToolKind } from "../tool.ts";
import type { Network } from "./request.ts";

const allowedHost = z.string().refine(
  (host) => {
    const url = URL.parse(`http://${host}`);
    return /^[\w.:[\]-]+$/.test(host) && url !== null && url.href === `http://${url.host}/`;
  },
  "expected a host such as wiki.internal or wiki.internal:8080",
);

const options = z.strictObject({
  time_ms: z.number().int().min(100).max(120_000).default(15_000).describe(
    "Time limit for one page with its redirects, in milliseconds.",
  ),
  max_bytes: z.number().int().min(1_024).max(10_485_760).default(2_097_152).describe(
    "Bytes of a page that are read, after decompression.",
  ),
  max_characters: z.number().int().min(100).max(1_000_000).default(20_000).describe(
    "Maximum length of the text that the model gets.",
  ),
  max_redirects: z.number().int().min(0).max(20).default(5).describe(
    "Redirects that are followed for one page.",
  ),
  allow_hosts: z.array(allowedHost).default([]).describe(
    "Hosts, with their port unless it is 80 or 443, that may be inside your network. All others must be on the public internet.",
  ),
});

export const fetchKind: ToolKind<typeof options> = {
  options,
  open: (settings) => ({
    tools: () => Promise.resolve([createFetchTool(settings)]),
    close: () => Promise.resolve(),
  }),
};

/** @param network for tests. Default: the system's. */
export function createFetchTool(settings: z.output<typeof options>, network?: Network): Tool {
  const limits = {
    maxBytes: settings.max_bytes,
    maxRedirects: settings.max_redirects,
    allowedHosts: new Set(settings.allow_hosts.map((host) => new URL(`http://${host}`).host)),
  };
  return {
    name: "fetch",
    description: "Gets a web page by its URL and returns its title and readable text. " +
      "Use it to read a page whose address you know, such as a search result.",
    parameters: {
      type: "object",
      properties: { url: { type: "string", description: "An http or https URL." } },
      required: ["url"],
      additionalProperties: false,
    },
    async run(args, context) {
      const url = textField(args, "url");
      if (url === undefined) return failureResult('Expected an object with the text "url".');
      return await attempt(context, settings.time_ms, async (signal) => {
        const { readPage } = await import("./page.ts");
        return await readPage(
          url,
          settings.max_characters,
          { ...limits, mayUse: context.mayUse },
          { clock: context.clock, signal },
          network,
        );
      });
    },
  };
}
