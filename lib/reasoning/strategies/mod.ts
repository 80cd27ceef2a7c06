/**
 * The table of strategies: a new one is a file beside this and a line here.
 *
 * @module
 */
import type { Strategy } from "../strategy.ts";
import { auto } from "./auto.ts";
import { direct } from "./direct.ts";
import { draft } from "./draft.ts";
import { moa } from "./moa.ts";
import { relay } from "./relay.ts";
import { rsa } from "./rsa.ts";
import { steps } from "./steps.ts";
import { think } from "./think.ts";
import { verify } from "./verify.ts";
import { vote } from "./vote.ts";

/** Every strategy by the name that config and requests use. */
export const strategies: Readonly<Record<string, Strategy>> = {
  direct,
  think,
  draft,
  steps,
  relay,
  vote,
  moa,
  verify,
  rsa,
  auto,
};
