import { type Dialect, isAtOrBelow } from "../dialect.ts";
import { messagesErrorBody, messagesStatusCode } from "./errors.ts";
import { messagesModel, messagesModelList } from "./models.ts";

/** Anthropic's Messages API. Its clients share `/models` with OpenAI's, but send a version. */
export const messagesDialect: Dialect = {
  matches: (path, headers) =>
    isAtOrBelow(path, "/messages") ||
    (isAtOrBelow(path, "/models") && headers.has("anthropic-version")),
  statusCode: messagesStatusCode,
  errorBody: messagesErrorBody,
  requestIdHeader: "request-id",
  model: messagesModel,
  modelList: messagesModelList,
};
