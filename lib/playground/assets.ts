import { extname } from "node:path";

/** A file of the page. */
export interface Asset {
  body: Uint8Array<ArrayBuffer>;
  /** Media type. */
  type: string;
  /** Strong validator, made from the content. */
  etag: string;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** Paths below `page/` of every file that is served. No other file of the folder is. */
export const ASSET_NAMES: readonly string[] = [
  "index.html",
  "icon.svg",
  "api.js",
  "app.js",
  "clipboard.js",
  "dom.js",
  "drawer.js",
  "chat/answer.js",
  "chat/chat.js",
  "chat/figures.js",
  "chat/images.js",
  "chat/picker.js",
  "code/dialog.js",
  "code/examples.js",
  "style/base.css",
  "style/chat.css",
  "style/composer.css",
  "style/figures.css",
  "style/header.css",
  "style/panels.css",
  "style/small.css",
  "style/text.css",
  "style/thinking.css",
  "text/live_text.js",
  "text/markdown.js",
  "thinking/candidates.js",
  "thinking/step.js",
  "thinking/tally.js",
  "thinking/thinking.js",
  "vendor/libraries.min.js",
  "vendor/licences.txt",
];

export interface Assets {
  /**
   * Reads a file; returns undefined for a name that is not in {@linkcode ASSET_NAMES}.
   *
   * @param name the path below `page/`, such as `app.js`.
   */
  read(name: string): Promise<Asset> | undefined;
}

/** Each file is read from disk when it is first requested, and then kept. */
export function createAssets(): Assets {
  const assets = new Map<string, Promise<Asset>>();
  return {
    read(name) {
      if (!ASSET_NAMES.includes(name)) return undefined;
      let asset = assets.get(name);
      if (asset === undefined) {
        asset = load(name);
        assets.set(name, asset);
        // The next request tries again.
        asset.catch(() => assets.delete(name));
      }
      return asset;
    },
  };
}

async function load(name: string): Promise<Asset> {
  const body = await Deno.readFile(new URL(`page/${name}`, import.meta.url));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  const type = MEDIA_TYPES[extname(name)] ?? "application/octet-stream";
  return { body, type, etag: `"${hash.toHex().slice(0, 32)}"` };
}
