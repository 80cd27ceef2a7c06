/**
 * What clients need before they are loaded, so that they neither ask for more than the tests'
 * permissions nor send anything home; to be imported first.
 *
 * @module
 */
import os from "node:os";

// A part of `ai` asks for the host's name as soon as it is loaded.
os.hostname = () => "localhost";

// `generateObject` is tested although it is deprecated.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

// LangChain looks for a profile in the home directory, and traces where one says so.
Deno.env.set("LANGSMITH_CONFIG_FILE", "/nowhere/langsmith.json");
Deno.env.set("LANGSMITH_TRACING", "false");
Deno.env.set("LANGCHAIN_TRACING_V2", "false");

// Traces of agents would go to OpenAI, whatever the base URL is.
Deno.env.set("OPENAI_AGENTS_DISABLE_TRACING", "1");
