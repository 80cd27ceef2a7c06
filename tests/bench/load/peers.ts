/**
 * Other gateways, started like the floor in front of the same upstream. `DIR` is any folder:
 *
 * - `portkey=DIR/node_modules/.bin/gateway`. Its streams fail with a newer `@hono/node-server`:
 *
 *       echo '{ "overrides": { "@hono/node-server": "1.13.7" } }' > DIR/package.json
 *       npm install --prefix DIR @portkey-ai/gateway@1.15.2
 *
 * - `litellm=DIR/litellm/bin/litellm`:
 *
 *       python3 -m venv DIR/litellm
 *       DIR/litellm/bin/pip install 'litellm[proxy]==1.108.7'
 *
 * @module
 */
import { freePort } from "../../support/port.ts";
import { type Running, startProgram, TOKEN } from "./processes.ts";

type StartPeer = (path: string, upstreamUrl: string) => Promise<Running>;

const PEERS: Readonly<Record<string, StartPeer>> = {
  async portkey(path, upstreamUrl) {
    const port = freePort();
    const running = await startProgram(path, [`--port=${port}`, "--headless"], 0, port);
    const headers = { "x-portkey-provider": "openai", "x-portkey-custom-host": upstreamUrl };
    return { ...running, headers };
  },

  async litellm(path, upstreamUrl) {
    const port = freePort();
    const folder = await Deno.makeTempDir();
    const config = {
      general_settings: { master_key: TOKEN },
      model_list: ["json", "stream-23"].map((name) => ({
        model_name: name,
        litellm_params: { model: `openai/${name}`, api_base: upstreamUrl, api_key: "x" },
      })),
    };
    // JSON is valid YAML.
    await Deno.writeTextFile(`${folder}/config.yaml`, JSON.stringify(config));
    const args = ["--config", `${folder}/config.yaml`, "--host", "127.0.0.1", "--port", `${port}`];
    // Without this it fetches prices from GitHub.
    const command = ["LITELLM_LOCAL_MODEL_COST_MAP=True", path, ...args];
    const running = await startProgram("env", command, 0, port);
    await Deno.remove(folder, { recursive: true });
    return running;
  },
};

export const peerNames = Object.keys(PEERS);

/** @param path of the peer's program. */
export const startPeer = (name: string, path: string, upstreamPort: number): Promise<Running> =>
  PEERS[name]!(path, `http://127.0.0.1:${upstreamPort}/v1`);
