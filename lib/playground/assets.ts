/**
 * The page's files: a fixed table, read once each.
 *
 * @module
 */
/** A file of the page's. */
export interface Asset {
  /** Its bytes. */
  body: Uint8Array<ArrayBuffer>;
  /** Its media type. */
  type: string;
  /** A strong validator, made of its content. */
  etag: string;
}

/** The page's files by name. */
export interface Assets {
  /**
   * A file of the table.
   *
   * @param name its path below `page/`, e.g. `app.js`.
   * @returns undefined where the table has no such name.
   */
  read(name: string): Promise<Asset> | undefined;
}

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** Every file that is served, and nothing else; the rest of the folder stays closed. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ["index.html", HTML],
  ["style.css", "text/css; charset=utf-8"],
  ["icon.svg", "image/svg+xml"],
  ["api.js", SCRIPT],
  ["answer.js", SCRIPT],
  ["app.js", SCRIPT],
  ["chat.js", SCRIPT],
  ["code.js", SCRIPT],
  ["code_dialog.js", SCRIPT],
  ["controls.js", SCRIPT],
  ["dom.js", SCRIPT],
  ["drawer.js", SCRIPT],
  ["images.js", SCRIPT],
  ["live_text.js", SCRIPT],
  ["markdown.js", SCRIPT],
  ["strategies.js", SCRIPT],
  ["thinking.js", SCRIPT],
  ["vendor/libraries.min.js", SCRIPT],
  ["vendor/licences.txt", "text/plain; charset=utf-8"],
]);

/** Names of the files that are served. */
export const ASSET_NAMES: readonly string[] = [...TYPES.keys()];

/** Opens the table; each file is read when it is first asked for. */
export function createAssets(): Assets {
  const known = new Map<string, Promise<Asset>>();
  return {
    read(name) {
      const type = TYPES.get(name);
      if (type === undefined) return undefined;
      let asset = known.get(name);
      if (asset === undefined) {
        asset = load(name, type);
        known.set(name, asset);
        // What could not be read may be readable later.
        asset.catch(() => known.delete(name));
      }
      return asset;
    },
  };
}

async function load(name: string, type: string): Promise<Asset> {
  const body = await Deno.readFile(new URL(`page/${name}`, import.meta.url));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return { body, type, etag: `"${hash.toHex().slice(0, 32)}"` };
}
