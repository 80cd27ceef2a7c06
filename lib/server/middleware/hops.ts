import { ApiError } from "../../api/errors.ts";
import { HOPS_HEADER } from "../../upstream/attempt.ts";
import type { Step } from "./chain.ts";

/** Maximum number of servers in a chain, each an upstream of the one before. */
const MAX_HOPS = 8;

/**
 * Rejects a request that this server has sent itself because the address of an upstream leads back to
 * it. Otherwise one request would fill every slot. Sets the hops for the upstream calls.
 *
 * @param server random id of this server, 16 hexadecimal digits.
 */
export function detectLoops(server: string): Step {
  return (request, exchange) => {
    // Anything else that a client sends in the header is dropped.
    const hops: string[] = request.headers.get(HOPS_HEADER)?.match(/\b[0-9a-f]{16}\b/g) ?? [];
    if (hops.includes(server) || hops.length >= MAX_HOPS) {
      throw new ApiError(
        508,
        "The request has come back to a server that sent it. The base_url of an upstream leads to this server.",
        { code: "loop_detected", shouldRetry: false },
      );
    }
    exchange.hops = [...hops, server].join(" ");
  };
}
