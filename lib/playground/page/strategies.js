/**
 * What each strategy does and costs, for people.
 *
 * @module
 */

/**
 * @typedef {object} Explanation
 * @property {string} does
 * @property {string} calls upstream calls
 * @property {string} waits how long it waits, in calls
 */

/** @type {Readonly<Record<string, Explanation>>} */
export const STRATEGIES = {
  direct: { does: "One call, passed through.", calls: "1 call", waits: "1 call" },
  think: { does: "One call that thinks before it answers.", calls: "1 call", waits: "1 call" },
  draft: {
    does: "Thinks in drafts of a few words: fewer tokens.",
    calls: "1 call",
    waits: "1 call",
  },
  steps: {
    does: "Titled steps, one call each, then the answer.",
    calls: "4 to 9 calls, up to 26",
    waits: "all of them",
  },
  relay: {
    does: "One model thinks, another answers from its notes.",
    calls: "2 calls",
    waits: "2 calls",
  },
  vote: {
    does: "Independent answers vote, until the lead is certain.",
    calls: "4 to 8 calls, up to 24",
    waits: "1 to 2 calls",
  },
  moa: {
    does: "Several answers side by side, then one made of all.",
    calls: "5 calls, up to 13",
    waits: "2 calls",
  },
  verify: {
    does: "Solves twice, checks what differs, repairs only a proven error.",
    calls: "2 to 7 calls",
    waits: "1 to 4 calls",
  },
  rsa: {
    does: "A population of solutions improves itself in rounds.",
    calls: "16 calls, up to 48",
    waits: "2 to 4 calls",
  },
  auto: {
    does: "Chooses a strategy by effort and question.",
    calls: "as the chosen one",
    waits: "as the chosen one",
  },
};

/**
 * A few words about a model's cost, where several stand side by side.
 *
 * @param {{ strategy?: string | undefined }} model
 */
export function explainShortly({ strategy }) {
  const known = STRATEGIES[strategy ?? ""];
  return known === undefined ? "" : `${strategy}, ${known.calls}`;
}

/**
 * One line about a model: what it does and what that costs.
 *
 * @param {{ strategy?: string | undefined, description?: string | undefined }} model
 */
export function explain({ strategy, description }) {
  const known = STRATEGIES[strategy ?? ""];
  if (known === undefined) return description ?? "";
  if (strategy === "auto") return `auto · ${known.does} Cost and time are those of the chosen one.`;
  const waits = known.waits === "all of them" ? "one after the other" : `waits for ${known.waits}`;
  return `${strategy} · ${known.does} ${known.calls} upstream, ${waits}.`;
}
