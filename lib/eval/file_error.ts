/** A file can't be used. The message names the flag, the path and the reason. */
export class FileError extends Error {
  override readonly name = "FileError";
}

const { NotFound, PermissionDenied, NotCapable, IsADirectory, NotADirectory } = Deno.errors;
const REASONS = [
  [NotFound, "no such file or folder"],
  [PermissionDenied, "permission denied"],
  [NotCapable, "this process has no permission for it"],
  [IsADirectory, "this is a folder"],
  [NotADirectory, "a part of the path is not a folder"],
] as const;

/**
 * Runs `use` on the file of a flag, synchronously or not.
 *
 * @throws {FileError} if the system refuses, for example because the disk is full.
 */
export function withFile<T>(flag: string, path: string, use: () => T): T {
  const fail = (error: unknown): never => {
    if (!(error instanceof Error)) throw error;
    const reason = REASONS.find(([kind]) => error instanceof kind)?.[1] ??
      /^.*\(os error \d+\)/.exec(error.message)?.[0];
    throw reason === undefined
      ? error
      : new FileError(`${flag} ${path}: ${reason}`, { cause: error });
  };
  try {
    const result = use();
    return result instanceof Promise ? result.catch(fail) as T : result;
  } catch (error) {
    return fail(error);
  }
}
