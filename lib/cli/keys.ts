/**
 * `o1-api keys`: makes keys for clients.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { keySchema } from "../config/key_schema.ts";

/** What `o1-api keys --help` prints. */
const KEYS_HELP = `Usage: o1-api keys new NAME

Prints a new key for the client NAME, once, and the entry that config.yaml has to hold for it.
The entry holds the key's hash alone: who reads the file can't use it. Two keys of one name may be
in use at a time, so that a new one can replace the old.`;

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Lengths in characters; 43 of base 62 are 256 bits. */
const ID_LENGTH = 10;
const SECRET_LENGTH = 43;

/** A new key and what the server has to know of it. */
export interface NewKey {
  /** The whole key, as the client sends it. */
  key: string;
  /** The part of it that is no secret. */
  id: string;
  /** Lower-case hex SHA-256 of the whole key. */
  sha256: string;
}

/**
 * Makes a key: `sk-o1-`, a public id, and a secret.
 *
 * @param fill fills bytes with chance.
 */
export async function createKey(fill: (bytes: Uint8Array<ArrayBuffer>) => void): Promise<NewKey> {
  const id = randomText(ID_LENGTH, fill);
  const key = `sk-o1-${id}-${randomText(SECRET_LENGTH, fill)}`;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return { key, id, sha256: new Uint8Array(hash).toHex() };
}

function randomText(length: number, fill: (bytes: Uint8Array<ArrayBuffer>) => void): string {
  // Bytes beyond the last whole multiple would make some characters likelier than others.
  const limit = 256 - 256 % ALPHABET.length;
  let text = "";
  while (text.length < length) {
    const bytes = new Uint8Array(length);
    fill(bytes);
    for (const byte of bytes) if (byte < limit) text += ALPHABET[byte % ALPHABET.length];
  }
  return text.slice(0, length);
}

/**
 * Runs the command. Ends the process with 2 for bad arguments.
 *
 * @param args what follows the command.
 */
export async function keys(args: readonly string[]): Promise<void> {
  const flags = parseArgs(args, { boolean: ["help"], alias: { h: "help" }, string: ["_"] });
  const options = Object.keys(flags).filter((flag) => !["_", "h", "help"].includes(flag));
  if (options.length > 0) return usage(`Unknown option --${options[0]}`);
  if (flags.help) return console.log(KEYS_HELP);
  const [command, name, extra] = flags._.map(String);
  if (command === undefined) return usage("Which command? There is: new");
  if (command !== "new") return usage(`Unknown command '${command}'`);
  if (name === undefined) return usage("Whose key is it? Give a NAME");
  if (extra !== undefined) return usage(`Unexpected argument '${extra}'`);
  const fault = keySchema.shape.name.safeParse(name).error?.issues[0]?.message;
  if (fault !== undefined) return usage(`The name '${name}' can't be used: ${fault}`);
  console.log(printed(name, await createKey((bytes) => void crypto.getRandomValues(bytes))));
}

function printed(name: string, { key, id, sha256 }: NewKey): string {
  return `${key}

The key is shown this once. For the server to take it, config.yaml has to hold:

keys:
  - name: "${name}"
    id: "${id}"
    sha256: "${sha256}"`;
}

function usage(problem: string): void {
  console.error(`${problem}\n\n${KEYS_HELP}`);
  Deno.exit(2);
}
