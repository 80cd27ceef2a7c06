/**
 * What thinking may use: tools that the server itself runs. A strategy knows only this interface.
 */
import type { z } from "zod";
import type { Clock } from "../clock.ts";

export type ToolContent = { type: "text"; text: string } | { type: "image"; url: string };

export interface ToolResult {
  content: ToolContent[];
  isError?: boolean;
  /** Sources of the text. */
  citations?: { url: string; title: string }[];
}

/** Which pages a tool may show or read. */
export interface DomainRule {
  /** Domains with their subdomains, and with a path if they have one. Default: all. */
  allowed?: readonly string[] | undefined;
  blocked?: readonly string[] | undefined;
}

export interface ToolContext {
  signal: AbortSignal;
  clock: Clock;
  /** Whether the client lets the tool show or read a page. Default: any. */
  mayUse?: (url: URL) => boolean;
  /** The rule behind `mayUse`, for services that can keep it. */
  domains?: DomainRule;
  onProgress?: (text: string) => void;
}

export interface Tool {
  /** Name by which models call it: at most 64 letters, digits, `_` and `-`. */
  name: string;
  description: string;
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
  /** Whether the client must approve each call: a call ends the turn, as one of a client's tool. */
  needsApproval?: boolean;
  /** Whether its output is computed from its arguments alone, so that it is evidence. */
  computes?: boolean;
  /** Rejects only when aborted; a failure of the tool is a result with `isError`. */
  run(args: unknown, context: ToolContext): Promise<ToolResult>;
}

/** Several tools of one configuration entry (an MCP server has many), opened once per configuration. */
export interface ToolSource {
  tools(signal: AbortSignal): Promise<readonly Tool[]>;
  close(): Promise<void>;
}

export interface ToolHost {
  onDeploy: boolean;
  /** Reports a part of the tools that can't be used now, for people. */
  warn?(text: string): void;
}

/** One entry of the configuration's `tools`. */
export interface ToolKind<Options extends z.ZodObject = z.ZodObject> {
  /** Settings below `tools.<kind>`. */
  options: Options;
  /** Whether a model can name the kind without this section. */
  needsNoSettings?: boolean;
  /** Returns why the tools can't run here; undefined if they can. */
  fault?(host: ToolHost, options: z.output<Options>): string | undefined;
  open(options: z.output<Options>, host: ToolHost): ToolSource;
}
