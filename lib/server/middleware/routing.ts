import type { Handler } from "../exchange.ts";
import type { Match, Router } from "../router.ts";
import type { Step } from "./chain.ts";

/** Finds the route of a request; throws 404 or 405 without one. */
export function routing(router: Router<Handler>): Step {
  return ({ method }, exchange) => {
    const enter = (match: Match<Handler>) => {
      exchange.match = match;
      exchange.observer?.routed?.(match.route.path);
    };
    const found = router.find(method, exchange.path, exchange.rawPath);
    return found instanceof Promise ? found.then(enter) : enter(found);
  };
}
