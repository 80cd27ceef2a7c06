/**
 * Files that can't be read or written, in a sentence.
 *
 * @module
 */

/** A file can't be used; the message says which one, whose flag it is, and why. */
export class FileError extends Error {
  /** The name of the class. */
  override readonly name = "FileError";
}

const { NotFound, PermissionDenied, NotCapable, IsADirectory, NotADirectory } = Deno.errors;
const REASONS = [
  [NotFound, "no such file or folder"],
  [PermissionDenied, "the system does not allow it"],
  [NotCapable, "this process has no permission for it"],
  [IsADirectory, "this is a folder"],
  [NotADirectory, "a part of the path is no folder"],
] as const;

/**
 * Does something with the file of a flag.
 *
 * @throws {FileError} where the system refuses, a full disk among it; and what else `use` throws.
 */
export async function withFile<T>(
  flag: string,
  path: string,
  use: () => T | Promise<T>,
): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw fileError(flag, path, error);
  }
}

/** What to throw in place of an error that using the file of a flag brought. */
export function fileError(flag: string, path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const known = REASONS.find(([kind]) => error instanceof kind)?.[1];
  const [, system] = /^(.*\(os error \d+\))/.exec(error.message) ?? [];
  const reason = known ?? system;
  return reason === undefined ? error : new FileError(`${flag} ${path}: ${reason}`, {
    cause: error,
  });
}
