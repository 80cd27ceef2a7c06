/**
 * Locks a SQLite file against writers until its standard input ends: `hold_lock.ts PATH`. Prints a
 * line once it is locked.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

const [path] = Deno.args as [string];
using database = new DatabaseSync(path);
database.exec("begin immediate");
console.log("locked");
await Deno.stdin.readable.pipeTo(new WritableStream());
database.exec("commit");
