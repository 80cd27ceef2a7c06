/**
 * What a strategy file gets. A file imports none of it, so that it also works beside a compiled
 * program, which has no source files.
 *
 * @module
 */
import { z } from "zod";
import { answerReader, withoutFinalLine } from "../answers/extractor.ts";
import { showAnswer } from "../answers/fallback.ts";
import { sameAnswer } from "../answers/value.ts";
import { instruct } from "../conversation.ts";
import { relayAnswer } from "../relay/answer.ts";
import { sampleAll, sampleText } from "../relay/parallel.ts";
import { defineStrategy, type Strategy } from "../strategy.ts";

/** The version of {@linkcode StrategyApi} that a file exports as `version`. */
export const STRATEGY_VERSION = 1;

/** What a file's default export is called with. */
export interface StrategyApi {
  /** Zod, for the schema of the options. */
  z: typeof z;
  /** Types `run` by the options, prompts and roles beside it. */
  defineStrategy: typeof defineStrategy;
  /** Returns the client's conversation with instructions for one call. */
  instruct: typeof instruct;
  /** Makes several calls at once and returns their texts; shows the first one's thinking live. */
  sampleAll: typeof sampleAll;
  /** Returns the text of one of these calls. */
  sampleText: typeof sampleText;
  /** Returns a function that finds the short final answer in a text. */
  answerReader: typeof answerReader;
  /** Returns a text without its line that starts with `FINAL:`. */
  withoutFinalLine: typeof withoutFinalLine;
  /** Whether two short answers have the same value. */
  sameAnswer: typeof sameAnswer;
  /** Makes the call whose text becomes the client's answer. */
  relayAnswer: typeof relayAnswer;
  /** Makes a text the client's answer. */
  showAnswer: typeof showAnswer;
}

/** The default export of a strategy file. */
export type StrategyFactory = (api: StrategyApi) => Strategy;

export const strategyApi: StrategyApi = {
  z,
  defineStrategy,
  instruct,
  sampleAll,
  sampleText,
  answerReader,
  withoutFinalLine,
  sameAnswer,
  relayAnswer,
  showAnswer,
};
