/** `GET /healthz`: the process is up. */
export function health(): Response {
  return Response.json({ status: "ok" });
}

/** `GET /readyz`: the server accepts new work. */
export function readiness(ready: boolean): Response {
  return Response.json({ status: ready ? "ready" : "draining" }, { status: ready ? 200 : 503 });
}
