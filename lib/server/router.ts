/**
 * Which handler answers a method and a path.
 *
 * @module
 */
import { ApiError } from "../api/errors.ts";

/** The methods that routes have. `HEAD` is answered as `GET`. */
export type Method = "GET" | "POST" | "DELETE";

/** A route: its path, where `:name` stands for any text between slashes, and what answers it. */
export interface Route<Handler> {
  /** The method. */
  method: Method;
  /** The path, e.g. `/responses/:id/cancel`; a last `*name` takes slashes too. */
  path: string;
  /** What answers. */
  handle: Handler;
  /** Whether it answers without a token, and while the server drains. */
  open?: boolean;
  /** Whether it answers at once, however full the server is, and while the server drains. */
  urgent?: boolean;
}

/** Routes whose code is loaded when one of them is first asked for. */
export interface Mount<Handler> {
  /** Where they are: these paths, e.g. `/responses`, and all below them. */
  paths: readonly string[];
  /** Loads them. */
  load(): Promise<readonly Route<Handler>[]>;
}

/** A route that was found, and the texts that its names stand for. */
export interface Match<Handler> {
  /** The route. */
  route: Route<Handler>;
  /** Decoded texts by name. */
  params: Readonly<Record<string, string>>;
}

/** Finds routes. */
export interface Router<Handler> {
  /**
   * The route of a method and a path without query.
   *
   * @throws {ApiError} 404 for a path that no route has, 405 for one that has other methods.
   */
  find(method: string, path: string): Match<Handler> | Promise<Match<Handler>>;
}

const NO_PARAMS: Readonly<Record<string, string>> = {};

/** Creates a router: exact paths are found by one look, the others one after the other. */
export function createRouter<Handler>(
  routes: readonly Route<Handler>[],
  mounts: readonly Mount<Handler>[] = [],
): Router<Handler> {
  const exact = new Map<string, Route<Handler>[]>();
  const patterns: { segments: string[]; route: Route<Handler> }[] = [];
  const mounted = new Map<Mount<Handler>, Promise<Router<Handler>>>();
  for (const route of routes) {
    if (/\/[:*]/.test(route.path)) {
      patterns.push({ segments: route.path.split("/"), route });
    } else exact.set(route.path, [...exact.get(route.path) ?? [], route]);
  }

  function routerBelow(path: string): Promise<Router<Handler>> | undefined {
    const mount = mounts.find(({ paths }) => paths.some((own) => isAtOrBelow(path, own)));
    if (mount === undefined) return undefined;
    const router = mounted.get(mount) ?? mount.load().then((own) => createRouter(own));
    mounted.set(mount, router);
    return router;
  }

  function matches(path: string): Match<Handler>[] {
    const known = exact.get(path);
    if (known !== undefined) return known.map((route) => ({ route, params: NO_PARAMS }));
    const segments = path.split("/");
    return patterns.flatMap((pattern) => {
      const params = paramsOf(pattern.segments, segments);
      return params === undefined ? [] : [{ route: pattern.route, params }];
    });
  }

  return {
    find(method, path) {
      const below = exact.has(path) ? undefined : routerBelow(path);
      if (below !== undefined) return below.then((router) => router.find(method, path));
      const found = matches(path);
      if (found.length === 0) {
        throw new ApiError(404, `Invalid URL (${shortened(method)} ${shortened(path)})`);
      }
      const asked = method === "HEAD" ? "GET" : method;
      const match = found.find(({ route }) => route.method === asked);
      if (match !== undefined) return match;
      throw new ApiError(405, `Not allowed to ${shortened(method)} on ${shortened(path)}.`, {
        code: "method_not_supported",
        headers: { allow: [...new Set(found.map(({ route }) => route.method))].join(", ") },
      });
    },
  };
}

function isAtOrBelow(path: string, own: string): boolean {
  return path === own || path.startsWith(`${own}/`);
}

function paramsOf(pattern: string[], segments: string[]): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  for (const [i, part] of pattern.entries()) {
    if (part.startsWith("*")) {
      const tail = segments.slice(i).join("/");
      if (tail === "") return undefined;
      params[part.slice(1)] = decoded(tail);
      return params;
    }
    const segment = segments[i];
    if (segment === undefined) return undefined;
    if (!part.startsWith(":")) {
      if (part !== segment) return undefined;
    } else if (segment === "") return undefined;
    else params[part.slice(1)] = decoded(segment);
  }
  return segments.length === pattern.length ? params : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Shortens a client's path or method for an error message or the log. */
export function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
