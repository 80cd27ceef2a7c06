/**
 * Clients from PyPI. `tests/clients/agents.sh` installs all of them.
 *
 * @module
 */
import { reasonWithout } from "../../support/skip.ts";
import { reasoning, summary, testClient } from "./client.ts";

const missing = reasonWithout("python3");
testClient({ file: "anthropic_messages", shows: reasoning }, missing);
testClient({ file: "langchain_chat", shows: summary }, missing);
testClient({ file: "pydantic_ai_chat", shows: reasoning }, missing);
testClient({ file: "openai_agents", shows: summary }, missing);
testClient({ file: "litellm_chat", shows: reasoning }, missing);
