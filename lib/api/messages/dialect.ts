import { type Dialect, isAtOrBelow } from "../dialect.ts";
import { messagesErrorBody } from "./errors.ts";
import { messagesModel, messagesModelList } from "./models.ts";

/** Codes of failures that another server may not have. Load balancers retry there on 503, not on 529. */
const LOCAL_CODES: readonly (string | null)[] = [
  "server_shutdown",
  "store_unavailable",
  "limits_unavailable",
];

/** Anthropic's Messages API. Its clients share `/models` with OpenAI's, but send a version. */
export const messagesDialect: Dialect = {
  matches: (path, headers) =>
    isAtOrBelow(path, "/messages") ||
    (isAtOrBelow(path, "/models") && headers.has("anthropic-version")),
  // Anthropic's own status code for an overloaded service.
  statusCode: (status, code) => status === 503 && !LOCAL_CODES.includes(code) ? 529 : status,
  errorBody: messagesErrorBody,
  requestIdHeader: "request-id",
  model: messagesModel,
  modelList: messagesModelList,
};
