/**
 * Locks a SQLite file against writers: `hold_lock.ts PATH MILLISECONDS`. Prints a line once it is
 * locked.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

const [path, milliseconds] = Deno.args as [string, string];
using database = new DatabaseSync(path);
database.exec("begin immediate");
console.log("locked");
await new Promise((resolve) => setTimeout(resolve, Number(milliseconds)));
database.exec("commit");
