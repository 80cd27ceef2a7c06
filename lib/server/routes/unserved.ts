import { ApiError } from "../../api/errors.ts";
import type { Handler } from "../exchange.ts";
import type { Route } from "../router.ts";

/** Other APIs of OpenAI, which this server does not have, by path. */
const UNSERVED: Readonly<Record<string, string>> = {
  "/audio": "audio",
  "/batches": "batches",
  "/completions": "legacy completions: use /v1/chat/completions",
  "/embeddings": "embeddings",
  "/files": "files: send their data in the message",
  "/fine_tuning": "fine-tuning",
  "/images": "images",
  "/moderations": "moderations",
  "/realtime": "realtime sessions",
  "/rerank": "reranking",
  "/vector_stores": "vector stores",
};

/** Routes that answer 404 and say what is not served here. */
export function unservedRoutes(): Route<Handler>[] {
  return Object.entries(UNSERVED).flatMap(([path, what]) => {
    const handle: Handler = ({ method }, { rawPath }) => {
      const sent = rawPath.slice(0, 200);
      throw new ApiError(
        404,
        `Invalid URL (${method} ${sent}). This server does not serve ${what}.`,
        { code: "unknown_url" },
      );
    };
    return (["GET", "POST", "DELETE"] as const).flatMap((method) => [
      { method, path, handle },
      { method, path: `${path}/*rest`, handle },
    ]);
  });
}
