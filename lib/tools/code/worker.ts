/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/**
 * The thread in which code of models runs: QuickJS, compiled to WebAssembly. The thread itself has
 * no permissions. Each run has its own instance, and so its own memory.
 */
import variant from "@jitl/quickjs-singlefile-browser-release-sync";
import {
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSContext,
  type QuickJSHandle,
} from "quickjs-emscripten-core";
import { installConsole } from "./console.ts";
import { instantiateWithFuel } from "./fuel.ts";
import { installLibrary } from "./library.ts";

export interface RunRequest {
  code: string;
  /** Milliseconds since 1970, for `Date`. */
  date: number;
  timeMs: number;
  /** At least 16 MiB. */
  memoryBytes: number;
  outputCharacters: number;
  /** Shared with the caller, who sets it to 1 to end the run. */
  isCancelled: Int32Array<SharedArrayBuffer>;
}

export interface RunAnswer {
  /** What the code printed, then the last value or the error. */
  text: string;
  isError: boolean;
  /** Whether the thread holds so much memory that another should take its place. */
  isWorn: boolean;
}

/** The first message of a thread: it can run code. */
export interface Ready {
  sandbox: WebAssembly.Module;
}

/** Global code whose `await` is allowed at the top level; the result is a promise. */
const EVAL_ASYNC = 1 << 7;
const STACK_BYTES = 262_144;
/** Jobs of promises that run before the time is checked. */
const JOBS = 1_000;
/** A thread is replaced after this many runs, or at once after a run that grew its memory. */
const MAX_RUNS = 20;
const INITIAL_BYTES = 16_777_216;
const PAGE_BYTES = 65_536;

const consoleSource = `(${installConsole})`;
const librarySource = `(${installLibrary})()`;

let runs = 0;

/** Ends the call of the sandbox if its code must stop, also within a method. */
let throwIfStopped = () => {};
const compiled = Promise.withResolvers<WebAssembly.Module>();
Object.assign(WebAssembly, {
  instantiate: instantiateWithFuel(() => throwIfStopped(), compiled.resolve),
});

// The sandbox reads the time and its zone through the `Date` of this thread.
let offsetMs = 0;
const { now } = Date;
Date.now = () => Math.trunc(now() + offsetMs);
Date.prototype.getTimezoneOffset = () => 0;
for (const part of ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds"] as const) {
  Date.prototype[`get${part}`] = Date.prototype[`getUTC${part}`];
}

async function run(request: RunRequest): Promise<RunAnswer> {
  // QuickJS's own limit does not count the size of what it allocates in WebAssembly.
  const wasmMemory = new WebAssembly.Memory({
    initial: INITIAL_BYTES / PAGE_BYTES,
    maximum: Math.ceil(request.memoryBytes / PAGE_BYTES),
  });
  throwIfStopped = () => {};
  const sandbox = await newQuickJSWASMModuleFromVariant(newVariant(variant, { wasmMemory }));
  let output = "";
  let isCut = false;
  let text: string;
  let isError = false;
  /** Why the code must stop, which it can't catch. */
  let stop: string | undefined;
  try {
    const runtime = sandbox.newRuntime();
    runtime.setMaxStackSize(STACK_BYTES);
    offsetMs = request.date - now();
    const deadline = performance.now() + request.timeMs;
    const mustStop = () => {
      if (performance.now() > deadline || Atomics.load(request.isCancelled, 0) === 1) {
        stop ??= `The code ran for more than ${request.timeMs} ms and was stopped.`;
      }
      return stop !== undefined;
    };
    throwIfStopped = () => {
      if (mustStop()) throw new Error(stop);
    };
    runtime.setInterruptHandler(mustStop);
    const context = runtime.newContext();

    const read = (handle: QuickJSHandle): string => {
      const left = request.outputCharacters - output.length;
      const length = lengthOf(context, handle);
      if (length <= left) return length === 0 ? "" : context.getString(handle);
      isCut = true;
      return left <= 0 ? "" : slice(context, handle, left);
    };
    const write = context.newFunction("write", (handle) => {
      output += read(handle);
      if (isCut) stop ??= "The code printed too much and was stopped.";
    });
    const install = context.unwrapResult(context.evalCode(consoleSource));
    const show = context.unwrapResult(context.callFunction(install, context.undefined, write));
    context.unwrapResult(context.evalCode(librarySource));

    const describe = (handle: QuickJSHandle): string => {
      const shown = context.callFunction(show, context.undefined, handle);
      return shown.error ? "" : read(shown.value);
    };
    const fail = (handle: QuickJSHandle): string => {
      isError = true;
      throwIfStopped();
      const shown = describe(handle);
      throwIfStopped();
      return shown || "Out of memory.";
    };
    /** Runs the jobs of promises, and returns the state of this one. */
    const settle = (handle: QuickJSHandle) => {
      while (runtime.hasPendingJob() && !mustStop()) runtime.executePendingJobs(JOBS);
      throwIfStopped();
      return context.getPromiseState(handle);
    };

    const evaluate = (code: string) => context.evalCode(code, "code.js", EVAL_ASYNC);
    let result = evaluate(request.code);
    if (result.error && /return not in a function/.test(describe(result.error))) {
      // Code with a top-level `return` runs as the body of a function.
      isCut = false;
      result = evaluate(`await (async () => {${request.code}\n})()`);
    }
    if (result.error) text = fail(result.error);
    else {
      let state = settle(result.value);
      if (state.type === "fulfilled") {
        const value = context.getProp(state.value, "value");
        state = settle(value);
      }
      if (state.type === "rejected") text = fail(state.error);
      else if (state.type === "pending") {
        isError = true;
        text = "The code waits for a promise that nothing resolves. There are no timers.";
      } else {
        text = context.typeof(state.value) === "undefined" ? "" : describe(state.value);
        // Showing a value may call its methods.
        throwIfStopped();
      }
    }
  } catch {
    isError = true;
    text = stop ?? "The code exceeded the limits of the sandbox and was stopped.";
  }
  if (isCut) text += `\n(Cut to ${request.outputCharacters} characters.)`;
  const isGrown = wasmMemory.buffer.byteLength > INITIAL_BYTES;
  const separator = output === "" || output.endsWith("\n") || text === "" ? "" : "\n";
  return { text: output + separator + text, isError, isWorn: isGrown || ++runs >= MAX_RUNS };
}

/** Returns the first characters without converting the rest. */
function slice(context: QuickJSContext, handle: QuickJSHandle, length: number): string {
  const [from, to] = [context.newNumber(0), context.newNumber(length)];
  const sliced = context.callMethod(handle, "slice", [from, to]);
  if (sliced.error) return "";
  return lengthOf(context, sliced.value) === length ? context.getString(sliced.value) : "";
}

/** Returns the length of a string, and 0 of anything else. */
function lengthOf(context: QuickJSContext, handle: QuickJSHandle): number {
  return context.typeof(handle) === "string"
    ? context.getNumber(context.getProp(handle, "length"))
    : 0;
}

self.onmessage = async ({ data }: MessageEvent<RunRequest>) => {
  self.postMessage(await run(data));
};
// Compiles the sandbox before the first code comes.
await newQuickJSWASMModuleFromVariant(variant);
self.postMessage({ sandbox: await compiled.promise } satisfies Ready);
