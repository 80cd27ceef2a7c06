/** The page at `/` for browsers, its files, and the JSON that other clients get at `/`. */
import { accepts, acceptsEncodings, ifNoneMatch } from "@std/http";
import { ApiError } from "../../api/errors.ts";
import { createAssets } from "../../playground/assets.ts";
import type { Handler } from "../exchange.ts";
import { type Route, shortened } from "../router.ts";
import { VERSION } from "../version.ts";

/**
 * The page runs only its own scripts and connects only to this server, whatever a model writes.
 *
 * @see {@link https://www.w3.org/TR/CSP3/}
 */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What clients can call, in the order of the documentation. */
const ENDPOINTS: readonly string[] = [
  "POST /v1/chat/completions",
  "POST /v1/responses",
  "POST /v1/responses/compact",
  "POST /v1/responses/input_tokens",
  "GET /v1/responses/{id}",
  "DELETE /v1/responses/{id}",
  "POST /v1/responses/{id}/cancel",
  "GET /v1/responses/{id}/input_items",
  "POST /v1/conversations",
  "GET /v1/conversations/{id}",
  "POST /v1/conversations/{id}",
  "DELETE /v1/conversations/{id}",
  "GET /v1/conversations/{id}/items",
  "POST /v1/conversations/{id}/items",
  "GET /v1/conversations/{id}/items/{item}",
  "DELETE /v1/conversations/{id}/items/{item}",
  "POST /v1/messages",
  "POST /v1/messages/count_tokens",
  "GET /v1/models",
  "GET /v1/models/{id}",
  "GET /v1/usage",
  "GET /v1/upstreams",
  "GET /metrics",
  "GET /healthz",
  "GET /readyz",
];

/**
 * @param models ids of the models that clients without a token may know of.
 * @param enabled if false, `/` is JSON for browsers too, and there are no files.
 */
export function playgroundRoutes(models: readonly string[], enabled: boolean): Route<Handler>[] {
  const describe = () =>
    Response.json({
      name: "o1-api",
      version: VERSION,
      description: "Reasoning over any chat model, behind the OpenAI API.",
      models,
      endpoints: ENDPOINTS,
    });
  const open = { method: "GET", open: true } as const;
  const favicon: Route<Handler> = { ...open, path: "/favicon.ico", handle: describe };
  if (!enabled) return [{ ...open, path: "/", handle: describe }, favicon];
  const assets = createAssets();

  async function respond(name: string, request: Request): Promise<Response> {
    // Smallest first: browsers accept all alike.
    const encoding = !request.headers.has("accept-encoding")
      ? "identity"
      : (["br", "gzip"] as const).find((name) => acceptsEncodings(request, name) === name) ??
        "identity";
    const asset = await assets.read(name, encoding);
    const { pathname, searchParams } = new URL(request.url);
    if (asset === undefined) {
      throw new ApiError(404, `Invalid URL (${request.method} ${shortened(pathname)})`);
    }
    const { body, type, etag, version } = asset;
    // The bundle's other files have a hash in their names.
    const isImmutable = searchParams.get("v") === version || /-[A-Z0-9]{8}\.js$/.test(name);
    const headers = {
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      // Browsers ask each time for the page, so that a new version of the server shows at once.
      "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
      "vary": "accept, accept-encoding",
      etag,
    };
    if (!ifNoneMatch(request.headers.get("if-none-match"), etag)) {
      return new Response(null, { status: 304, headers });
    }
    return new Response(body, {
      headers: {
        ...headers,
        "content-type": type,
        ...encoding === "identity" ? {} : { "content-encoding": encoding },
      },
    });
  }

  return [
    {
      ...open,
      path: "/",
      async handle(request) {
        const isBrowser = accepts(request, "application/json", "text/html") === "text/html";
        if (isBrowser) return await respond("index.html", request);
        const response = describe();
        response.headers.set("vary", "accept");
        return response;
      },
    },
    favicon,
    {
      ...open,
      path: "/playground/*name",
      handle: (request, _exchange, { name }) => respond(name!, request),
    },
  ];
}
