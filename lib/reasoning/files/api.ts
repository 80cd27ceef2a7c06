/**
 * What a strategy file gets. A file imports none of it, so that it also works beside a compiled
 * program, which has no source files.
 */
import { z } from "zod";
import { answerReader, withoutFinalLine } from "../answers/extractor.ts";
import { showAnswer } from "../answers/fallback.ts";
import { sameAnswer } from "../answers/value.ts";
import { instruct } from "../conversation.ts";
import { relayAnswer } from "../output/answer.ts";
import { sampleAll, sampleText } from "../output/parallel.ts";
import { defineStrategy, type Strategy } from "../strategy.ts";

/** The version of {@linkcode strategyApi} that a file exports as `version`. */
export const STRATEGY_VERSION = 1;

/** What a file's default export is called with. */
export const strategyApi = {
  /** Zod, for the schema of the options. */
  z,
  /** Types `run` by the options, prompts and roles beside it. */
  defineStrategy,
  /** Returns the client's conversation with instructions for one call. */
  instruct,
  /** Makes several calls at once and returns their texts; shows the first one's thinking live. */
  sampleAll,
  /** Returns the text of one of these calls. */
  sampleText,
  /** Returns a function that finds the short final answer in a text. */
  answerReader,
  /** Returns a text without its line that starts with `FINAL:`. */
  withoutFinalLine,
  /** Whether two short answers have the same value. */
  sameAnswer,
  /** Makes the call whose text becomes the client's answer. */
  relayAnswer,
  /** Makes a text the client's answer. */
  showAnswer,
};

export type StrategyApi = typeof strategyApi;

/** The default export of a strategy file. */
export type StrategyFactory = (api: StrategyApi) => Strategy;
