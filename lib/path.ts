/**
 * Paths of files. `node:path` does this and more, but to load it takes 12 ms of every start.
 *
 * @module
 */

const SEPARATOR = Deno.build.os === "windows" ? "\\" : "/";

/** Where the last separator of a path is; -1 where it has none. */
function lastSeparator(path: string): number {
  return Math.max(path.lastIndexOf("/"), path.lastIndexOf(SEPARATOR));
}

/** The last name of a path. */
export function basename(path: string): string {
  return path.slice(lastSeparator(path) + 1);
}

/** The folder that a path leads to; `.` for a name alone. */
export function dirname(path: string): string {
  const at = lastSeparator(path);
  if (at < 0) return ".";
  // The separator of a root is a part of its name.
  return path.slice(0, at === 0 || path[at - 1] === ":" ? at + 1 : at);
}

/** The path of a name, or of a path, below a folder. */
export function join(folder: string, path: string): string {
  if (folder === "." || folder === "") return path;
  return lastSeparator(folder) === folder.length - 1 ? folder + path : folder + SEPARATOR + path;
}

/** The path itself where it begins at a root, else the one below a folder. */
export function resolve(folder: string, path: string): string {
  const isAbsolute = path.startsWith("/") || path.startsWith(SEPARATOR) ||
    /^[a-z]:[\\/]/i.test(path);
  return isAbsolute ? path : join(folder, path);
}
