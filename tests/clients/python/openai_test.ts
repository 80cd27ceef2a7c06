import { reasonWithoutPackage } from "../../support/skip.ts";
import { reasoning, summary, testClient } from "./client.ts";

const missing = await reasonWithoutPackage("openai");
testClient({ file: "openai_chat", shows: reasoning }, missing);
testClient({ file: "openai_responses", shows: summary }, missing);
