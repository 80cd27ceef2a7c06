/** A file or an API can't be used. The message says why, with a line for each fault of a file. */
export class InputError extends Error {
  override readonly name = "InputError";
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
 * @throws {InputError} with the flag, the path and the reason if the system refuses, for example because the disk is full.
 */
export function withFile<T>(flag: string, path: string, use: () => T): T {
  const fail = (error: unknown): never => {
    if (!(error instanceof Error)) throw error;
    const reason = REASONS.find(([kind]) => error instanceof kind)?.[1] ??
      /^.*\(os error \d+\)/.exec(error.message)?.[0];
    throw reason === undefined
      ? error
      : new InputError(`${flag} ${path}: ${reason}`, { cause: error });
  };
  try {
    const result = use();
    return result instanceof Promise ? result.catch(fail) as T : result;
  } catch (error) {
    return fail(error);
  }
}
