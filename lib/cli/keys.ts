/**
 * `o1-api keys`: makes keys for clients.
 *
 * @module
 */
import { randomBase62 } from "../api/ids.ts";
import { keySchema } from "../config/schema/keys.ts";
import { suggestion } from "../config/faults/suggestion.ts";
import { COMMANDS } from "./commands.ts";
import { parseFlags, UsageError } from "./flags.ts";

/** Lengths in characters; 43 of base 62 are 256 bits. */
const ID_LENGTH = 10;
const SECRET_LENGTH = 43;

/** A new key and what the server has to know of it. */
interface NewKey {
  /** The whole key, as the client sends it. */
  key: string;
  /** The part of it that is no secret. */
  id: string;
  /** Lower-case hex SHA-256 of the whole key. */
  sha256: string;
}

/** Creates a key: `sk-o1-`, a public id, and a secret. */
async function createKey(): Promise<NewKey> {
  const id = randomBase62(ID_LENGTH);
  const key = `sk-o1-${id}-${randomBase62(SECRET_LENGTH)}`;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return { key, id, sha256: new Uint8Array(hash).toHex() };
}

/**
 * Runs the command.
 *
 * @param args what follows the command.
 * @returns the command whose help is asked for.
 * @throws {UsageError} for wrong arguments.
 */
export async function keys(args: readonly string[]): Promise<"keys" | "keys new" | void> {
  const { words: [command, name, extra], has } = parseFlags("keys", args);
  if (has("help")) return command === "new" ? "keys new" : "keys";
  if (command === undefined) throw wrong("Which command? There is: new");
  if (command !== "new") {
    throw wrong(`Unknown command '${command}'${suggestion(command, COMMANDS.keys.words)}`);
  }
  if (name === undefined) throw wrong("Whose key is it? Give a NAME");
  if (extra !== undefined) throw wrong(`Unexpected argument '${extra}'`);
  const fault = keySchema.shape.name.safeParse(name).error?.issues[0]?.message;
  if (fault !== undefined) throw wrong(`The name '${name}' can't be used: ${fault}`);
  console.log(printed(name, await createKey()));
}

function printed(name: string, { key, id, sha256 }: NewKey): string {
  return `${key}

The key is shown this once. For the server to take it, config.yaml has to hold:

keys:
  - name: "${name}"
    id: "${id}"
    sha256: "${sha256}"`;
}

function wrong(problem: string): UsageError {
  return new UsageError("keys new", problem);
}
