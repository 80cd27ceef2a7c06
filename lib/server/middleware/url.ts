import { ApiError } from "../../api/errors.ts";
import { MAX_PATH_LENGTH } from "../exchange.ts";
import type { Step } from "./chain.ts";

/**
 * Rejects a URL that later code could not read. The runtime puts the Host header before the path
 * without checking it: a slash or a question mark in it would change the path.
 */
export const checkUrl: Step = ({ url, headers }, { rawPath }) => {
  const isHost = /^[\w.:[\]~%-]*$/.test(headers.get("host") ?? "");
  if (!isHost || !URL.canParse(url)) throw new ApiError(400, "Invalid Host header.");
  if (rawPath.length > MAX_PATH_LENGTH) {
    throw new ApiError(414, `The path is longer than ${MAX_PATH_LENGTH} characters.`);
  }
};

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Keeps web pages away from a server whose token is public: pages of other origins, and those whose
 * own host name leads to this machine.
 *
 * @see {@link https://en.wikipedia.org/wiki/DNS_rebinding}
 */
export const localOnly: Step = (request) => {
  const { host, hostname } = new URL(request.url);
  const origin = request.headers.get("origin");
  if (!LOOPBACK.has(hostname)) throw refused("by the name localhost or a loopback address");
  if (origin !== null && URL.parse(origin)?.host !== host) throw refused("by its own page");
};

function refused(how: string): ApiError {
  return new ApiError(
    403,
    `Until you set an api_bearer_token of your own, this server can only be reached ${how}.`,
    { code: "token_required" },
  );
}
