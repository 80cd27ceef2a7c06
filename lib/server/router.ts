import { isAtOrBelow } from "../api/dialect.ts";
import { ApiError } from "../api/errors.ts";
import { withEllipsis } from "../text.ts";
import type { Meter } from "./limits/charge.ts";

/** `GET` routes also answer `HEAD`. */
export type Method = "GET" | "POST" | "DELETE";

export interface Route<Handler> {
  method: Method;
  /** `:name` matches one segment, a final `*name` one or more: `/responses/:id/cancel`. */
  path: string;
  handle: Handler;
  /** If true, needs no token, no place in the queue, and answers while the server shuts down. */
  open?: boolean;
  /** If true, needs no place in the queue, and answers while the server shuts down. */
  urgent?: boolean;
  /** What the route takes of its client's limits; default: nothing. */
  meter?: Meter | undefined;
}

/** Routes whose code is loaded when one of them is first requested. */
export interface Mount<Handler> {
  /** Paths at or below which the routes are. */
  paths: readonly string[];
  load(): Promise<readonly Route<Handler>[]>;
}

export interface Match<Handler> {
  route: Route<Handler>;
  /** Decoded values of the path's names. */
  params: Readonly<Record<string, string>>;
}

export interface Router<Handler> {
  /**
   * @param path without query.
   * @param sent the path as the client sent it, for errors.
   * @throws {ApiError} 404 for an unknown path, 405 for a path without this method.
   */
  find(method: string, path: string, sent: string): Match<Handler> | Promise<Match<Handler>>;
}

/** Creates a router. Paths without names are found by one lookup, others by trying each pattern. */
export function createRouter<Handler>(
  routes: readonly Route<Handler>[],
  mounts: readonly Mount<Handler>[] = [],
): Router<Handler> {
  const isPattern = ({ path }: Route<Handler>) => /\/[:*]/.test(path);
  const exact = Map.groupBy(
    routes.filter((route) => !isPattern(route)).map((route) => ({ route, params: {} })),
    ({ route }) => route.path,
  );
  const patterns = routes.filter(isPattern)
    .map((route) => ({ route, regexp: regexpOf(route.path) }));
  const mounted = new Map<Mount<Handler>, Promise<Router<Handler>>>();

  function mountedRouter(path: string): Promise<Router<Handler>> | undefined {
    if (exact.has(path)) return undefined;
    const mount = mounts.find(({ paths }) => paths.some((root) => isAtOrBelow(path, root)));
    if (mount === undefined) return undefined;
    const router = mounted.get(mount) ?? mount.load().then((loaded) => createRouter(loaded));
    mounted.set(mount, router);
    return router;
  }

  function matches(path: string): Match<Handler>[] {
    const found = exact.get(path);
    if (found !== undefined) return found;
    return patterns.flatMap(({ route, regexp }) => {
      const values = regexp.exec(path)?.groups;
      if (values === undefined) return [];
      const params = Object.entries(values).map(([name, value]) => [name, decoded(value)]);
      return [{ route, params: Object.fromEntries(params) }];
    });
  }

  return {
    find(method, path, sent) {
      const router = mountedRouter(path);
      if (router !== undefined) return router.then((router) => router.find(method, path, sent));
      const found = matches(path);
      if (found.length === 0) {
        throw new ApiError(404, `Invalid URL (${shortened(method)} ${shortened(sent)})`);
      }
      const wanted = method === "HEAD" ? "GET" : method;
      const match = found.find(({ route }) => route.method === wanted);
      if (match !== undefined) return match;
      throw new ApiError(405, `Not allowed to ${shortened(method)} on ${shortened(sent)}.`, {
        code: "method_not_supported",
        headers: { allow: [...new Set(found.map(({ route }) => route.method))].join(", ") },
      });
    },
  };
}

function regexpOf(path: string): RegExp {
  const source = path.replace(/:(\w+)/g, "(?<$1>[^/]+)").replace(/\*(\w+)/, "(?<$1>.+)");
  return new RegExp(`^${source}$`, "s");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Shortens a client's path or method for an error message or the log. */
export const shortened = (text: string) => withEllipsis(text, 201);
