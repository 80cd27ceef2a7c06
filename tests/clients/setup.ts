/**
 * Settings for clients, so that they need no further permissions and send no telemetry. Import it
 * before the clients.
 *
 * @module
 */
import os from "node:os";

// A part of `ai` reads the host's name when it is loaded.
os.hostname = () => "localhost";

// `generateObject` is deprecated, but tested.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

// LangChain reads a profile in the home directory, which may turn tracing on.
Deno.env.set("LANGSMITH_CONFIG_FILE", "/nowhere/langsmith.json");
Deno.env.set("LANGSMITH_TRACING", "false");
Deno.env.set("LANGCHAIN_TRACING_V2", "false");

// Agents send traces to OpenAI, whatever the base URL is.
Deno.env.set("OPENAI_AGENTS_DISABLE_TRACING", "1");
