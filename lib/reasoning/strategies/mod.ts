/**
 * The table of strategies: a new one is a file beside this and a line here.
 *
 * @module
 */
import type { Strategy } from "../strategy.ts";
import { direct } from "./direct.ts";
import { steps } from "./steps.ts";

/** Every strategy by the name that config and requests use. */
export const strategies: Readonly<Record<string, Strategy>> = { direct, steps };
