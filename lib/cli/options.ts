/**
 * What commands are told.
 *
 * @module
 */

/** What every command is given. */
export interface CommandOptions {
  /** `--config PATH`. */
  config?: string | undefined;
  /** `--host HOST`. */
  host?: string | undefined;
  /** `--port PORT`. */
  port?: string | undefined;
  /** The folder of the program's own files. */
  moduleDir: string | undefined;
}
