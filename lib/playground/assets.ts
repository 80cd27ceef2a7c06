/**
 * The files of the page: the bundle that `deno task page` makes, and `page/index.html`, which loads
 * it.
 *
 * @module
 */
import { extname } from "node:path";

export type Encoding = "br" | "gzip" | "identity";

/** A file in one encoding. */
export interface Asset {
  body: Uint8Array<ArrayBuffer>;
  /** Media type. */
  type: string;
  /** Strong validator, made from the content and the encoding. */
  etag: string;
  /** Hash of the content. `?v=VERSION` makes a URL of its own, so that browsers may keep the file. */
  version: string;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};

/** Files beside the bundle. No other file of `page/` is served. */
const OF_PAGE = ["index.html", "icon.svg", "licences.txt"];

const FORMATS = { br: "brotli", gzip: "gzip" } as const;

async function encoded(content: Uint8Array<ArrayBuffer>, encoding: Encoding) {
  if (encoding === "identity") return content;
  const compressed = new Blob([content]).stream()
    .pipeThrough(new CompressionStream(FORMATS[encoding]));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}

export interface Assets {
  /** Reads a file; returns undefined if it is not one of the page. */
  read(name: string, encoding: Encoding): Promise<Asset | undefined>;
}

/** Each file is read and compressed when it is first requested, and then kept. */
export function createAssets(): Assets {
  const kept = new Map<string, Promise<Asset>>();

  async function load(name: string, encoding: Encoding): Promise<Asset> {
    const folder = OF_PAGE.includes(name) ? "page" : "bundle";
    let content = await Deno.readFile(new URL(`${folder}/${name}`, import.meta.url));
    if (name === "index.html") {
      const page = new TextDecoder().decode(content);
      const versions = await Promise.all(["app.css", "app.js"].map((file) => read(file, encoding)));
      content = new TextEncoder().encode(
        page.replace("app.css", `app.css?v=${versions[0]!.version}`)
          .replace("app.js", `app.js?v=${versions[1]!.version}`),
      );
    }
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    const version = hash.toHex().slice(0, 16);
    return {
      body: await encoded(content, encoding),
      type: MEDIA_TYPES[extname(name)] ?? "application/octet-stream",
      etag: `"${version}-${encoding}"`,
      version,
    };
  }

  async function read(name: string, encoding: Encoding): Promise<Asset | undefined> {
    // Every file of the bundle is public, and a name without a slash leads nowhere else.
    if (!/^[\w-]+(?:\.[\w-]+)+$/.test(name)) return undefined;
    const key = `${name} ${encoding}`;
    try {
      let asset = kept.get(key);
      if (asset === undefined) {
        asset = load(name, encoding);
        kept.set(key, asset);
      }
      return await asset;
    } catch (error) {
      // The next request tries again.
      kept.delete(key);
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  return { read };
}
