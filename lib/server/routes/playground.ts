/**
 * The playground: the page at `/` for browsers, and its files.
 *
 * @module
 */
import { ApiError } from "../../api/errors.ts";
import { type Asset, createAssets } from "../../playground/assets.ts";
import type { Handler } from "../exchange.ts";
import { root } from "./health.ts";
import { type Route, shown } from "../router.ts";

/**
 * What the page may do: run its own scripts, show its own style and pictures, and talk to this
 * server. Nothing that a model writes can change that.
 *
 * @see {@link https://www.w3.org/TR/CSP3/}
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The routes of the playground, and what else answers at `/`.
 *
 * @param models the ids that programs are told at `/`.
 * @param enabled whether there is a page; without it `/` is JSON for everybody.
 */
export function playgroundRoutes(models: readonly string[], enabled: boolean): Route<Handler>[] {
  const forPrograms = () => root(models);
  const favicon: Route<Handler> = {
    method: "GET",
    path: "/favicon.ico",
    open: true,
    handle: forPrograms,
  };
  if (!enabled) return [{ ...favicon, path: "/" }, favicon];
  const assets = createAssets();
  return [
    {
      method: "GET",
      path: "/",
      open: true,
      async handle(request) {
        const isBrowser = /\btext\/html\b/i.test(request.headers.get("accept") ?? "");
        const response = isBrowser
          ? answer(await assets.read("index.html")!, request)
          : forPrograms();
        response.headers.set("vary", "accept");
        return response;
      },
    },
    favicon,
    {
      method: "GET",
      path: "/playground/*name",
      open: true,
      async handle(request, _exchange, { name }) {
        const asset = await assets.read(name!);
        if (asset === undefined) {
          const path = shown(new URL(request.url).pathname);
          throw new ApiError(404, `Invalid URL (${request.method} ${path})`);
        }
        return answer(asset, request);
      },
    },
  ];
}

/** The file, or word that the browser has it already. */
function answer({ body, type, etag }: Asset, request: Request): Response {
  const headers = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    // A new version of the server is seen at once; what is unchanged is not sent again.
    "cache-control": "no-cache",
    etag,
  };
  const known = (request.headers.get("if-none-match") ?? "").split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""));
  if (known.includes(etag) || known.includes("*")) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(body, { headers: { ...headers, "content-type": type } });
}
