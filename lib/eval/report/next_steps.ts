import type { EvalFlags } from "../flags.ts";

/** Returns what to run after this comparison, one sentence or command each. */
export function nextSteps({ dataset, report }: EvalFlags, asksDemo: boolean): string[] {
  const steps = asksDemo
    ? [
      "The demo model only shows how eval works: without thinking, it makes typical mistakes on " +
      "purpose. Set default_api_url and default_model in config.yaml to compare your own model.",
    ]
    : [];
  if (dataset === undefined) {
    steps.push(
      "The built-in problems are few and simple. For a decision, ask at least 100 questions of " +
        "your own, for example: eval --models YOUR_MODEL,o1-mini,o1-vote --dataset " +
        "questions.jsonl --out results.jsonl --report report.html",
    );
  } else if (report === undefined) {
    steps.push("To see every question with each answer, add --report report.html.");
  }
  return steps;
}
