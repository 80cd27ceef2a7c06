/**
 * Open WebUI as a process, with an empty folder for its data and without contact to other hosts.
 *
 * @module
 */
import { waitFor, waitUntil } from "../../support/wait.ts";

/** Longer than it takes to start on a busy machine. */
const START_MS = 400_000;

const SETTINGS = {
  WEBUI_AUTH: "False",
  WEBUI_SECRET_KEY: "secret",
  ENABLE_OLLAMA_API: "False",
  // Files are sent as they are, so that no model for embeddings is needed.
  BYPASS_EMBEDDING_AND_RETRIEVAL: "True",
  RAG_EMBEDDING_ENGINE: "openai",
  HF_HUB_OFFLINE: "1",
  OFFLINE_MODE: "True",
  RAG_EMBEDDING_MODEL_AUTO_UPDATE: "False",
  RAG_RERANKING_MODEL_AUTO_UPDATE: "False",
  WHISPER_MODEL_AUTO_UPDATE: "False",
  ENABLE_VERSION_UPDATE_CHECK: "False",
  ANONYMIZED_TELEMETRY: "False",
  DO_NOT_TRACK: "true",
  SCARF_NO_ANALYTICS: "true",
};

export interface OpenWebUi extends AsyncDisposable {
  url: string;
  /** Sends JSON to its API as the only user. */
  post(path: string, body: object): Promise<void>;
}

/** Starts it with the API at this address. */
export async function startOpenWebUi(apiUrl: string, key: string): Promise<OpenWebUi> {
  const root = await Deno.makeTempDir();
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = new Deno.Command("open-webui", {
    args: ["serve", "--host", "127.0.0.1", "--port", String(port)],
    cwd: root,
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: root,
      DATA_DIR: `${root}/data`,
      OPENAI_API_BASE_URL: apiUrl,
      OPENAI_API_KEY: key,
      CORS_ALLOW_ORIGIN: url,
      ...SETTINGS,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = child.output();
  async function stop(): Promise<string> {
    child.kill("SIGKILL");
    const { stdout, stderr } = await ended;
    await Deno.remove(root, { recursive: true });
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  }
  const isReady = () =>
    fetch(`${url}/health`).then(
      (response) => response.body?.cancel().then(() => response.ok) ?? false,
      () => false,
    );
  try {
    const ready = waitUntil("Open WebUI to listen", isReady, undefined, START_MS);
    const failed = ended.then(() => Promise.reject(new Error("Open WebUI has ended.")));
    await Promise.race([ready, failed]);
  } catch (error) {
    throw new Error(`${error}\n${(await stop()).slice(-4_000)}`);
  }
  const signedIn = await fetch(`${url}/api/v1/auths/signin`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: "", password: "" }),
  });
  const { token } = await signedIn.json();
  return {
    url,
    async post(path, body) {
      const response = await fetch(`${url}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    },
    [Symbol.asyncDispose]: async () => void await waitFor("Open WebUI to end", stop()),
  };
}

function freePort(): number {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  return port;
}
