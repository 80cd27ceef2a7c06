/**
 * Whether the server lives, and whether it takes work.
 *
 * @module
 */

/** `GET /healthz`: the process answers. */
export function health(): Response {
  return Response.json({ status: "ok" });
}

/** `GET /readyz`: new work is taken. */
export function readiness(ready: boolean): Response {
  return Response.json({ status: ready ? "ready" : "draining" }, { status: ready ? 200 : 503 });
}

/** `GET /`: what this is, for whoever asks. */
export function root(models: readonly string[]): Response {
  return Response.json({
    name: "o1-api",
    description: "Reasoning over any chat model, behind the OpenAI API.",
    models,
    endpoints: ["POST /v1/chat/completions", "GET /v1/models", "GET /healthz", "GET /readyz"],
  });
}
