/** `o1-api keys`: creates client keys. */
import { randomBase62 } from "../api/ids.ts";
import { suggestion } from "../config/faults/suggestion.ts";
import { keySchema } from "../config/schema/keys.ts";
import { sha256 } from "../sha256.ts";
import { parseFlags, UsageError } from "./flags.ts";

/** Lengths in characters. 43 characters of base 62 hold 256 bits. */
const ID_LENGTH = 10;
const SECRET_LENGTH = 43;

/** @throws {UsageError} for invalid arguments. */
export async function keys(args: readonly string[]): Promise<void> {
  const { words: [command, name] } = parseFlags("keys", args);
  if (command === undefined) throw invalid("No command given; use: keys new NAME");
  if (command !== "new") {
    throw invalid(`Unknown command '${command}'${suggestion(command, ["new"])}`);
  }
  if (name === undefined) throw invalid("No NAME given for the client");
  const fault = keySchema.shape.name.safeParse(name).error?.issues[0]?.message;
  if (fault !== undefined) throw invalid(`The name '${name}' is invalid: ${fault}`);
  const id = randomBase62(ID_LENGTH);
  const key = `sk-o1-${id}-${randomBase62(SECRET_LENGTH)}`;
  const hash = await sha256(key);
  console.log(`${key}

The key is shown only once. To let the server accept it, add this to config.yaml:

keys:
  - name: "${name}"
    id: "${id}"
    sha256: "${hash.toHex()}"`);
}

function invalid(problem: string): UsageError {
  return new UsageError("keys", problem);
}
