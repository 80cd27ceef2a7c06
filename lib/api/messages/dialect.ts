import { type Dialect, isAtOrBelow } from "../dialect.ts";
import { messagesErrorBody } from "./errors.ts";
import { messagesModel, messagesModelList } from "./models.ts";

/** Anthropic's Messages API. Its clients share `/models` with OpenAI's, but send a version. */
export const messagesDialect: Dialect = {
  matches: (path, headers) =>
    isAtOrBelow(path, "/messages") ||
    (isAtOrBelow(path, "/models") && headers.has("anthropic-version")),
  // Anthropic's own code for an overloaded service.
  statusCode: (status) => status === 503 ? 529 : status,
  errorBody: messagesErrorBody,
  requestIdHeader: "request-id",
  model: messagesModel,
  modelList: messagesModelList,
};
