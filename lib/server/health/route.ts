/** Answers `GET /upstreams`: the state of each upstream, for the operator alone. */
import { ApiError } from "../../api/errors.ts";
import type { Clock } from "../../clock.ts";
import type { Handler } from "../exchange.ts";
import type { Route } from "../router.ts";
import { summarize, type UpstreamRecord } from "./health.ts";

export interface HealthRouteOptions {
  clock: Clock;
  /** Returns what all processes of the server know. */
  health: () => Promise<UpstreamRecord[]>;
}

export function healthRoute({ clock, health }: HealthRouteOptions): Route<Handler> {
  return {
    method: "GET",
    path: "/upstreams",
    urgent: true,
    async handle(_request, { client }) {
      if (client.key !== undefined) {
        throw new ApiError(403, "Upstreams are only shown with api_bearer_token.", {
          code: "insufficient_permissions",
        });
      }
      return Response.json({ object: "list", data: summarize(await health(), clock.date()) });
    },
  };
}
