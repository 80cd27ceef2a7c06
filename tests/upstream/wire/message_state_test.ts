import { assertEquals } from "@std/assert";
import { joinState, type MessageState, stateOf } from "../../../lib/upstream/wire/message_state.ts";

const detail = (fields: object) => ({ type: "reasoning.text", index: 0, ...fields });
const block = (fields: object) => ({ type: "thinking", ...fields });

const CASES: Record<string, { pieces: MessageState[]; joined: MessageState }> = {
  "details with the same index are one": {
    pieces: [
      { reasoning_details: [detail({ text: "Two ", signature: null })] },
      { reasoning_details: [detail({ text: "twos." }), detail({ index: 1, text: "Four." })] },
      { reasoning_details: [detail({ index: 1, signature: "s" })] },
    ],
    joined: {
      reasoning_details: [
        detail({ text: "Two twos.", signature: null }),
        detail({ index: 1, text: "Four.", signature: "s" }),
      ],
    },
  },
  "details without an index, or of another type, stay apart": {
    pieces: [
      { reasoning_details: [{ type: "reasoning.encrypted", data: "a" }] },
      { reasoning_details: [{ type: "reasoning.encrypted", data: "b" }] },
      { reasoning_details: [{ type: "reasoning.summary", summary: "c" }] },
    ],
    joined: {
      reasoning_details: [
        { type: "reasoning.encrypted", data: "a" },
        { type: "reasoning.encrypted", data: "b" },
        { type: "reasoning.summary", summary: "c" },
      ],
    },
  },
  "a block of thinking ends with its signature": {
    pieces: [
      { thinking_blocks: [block({ thinking: "Two ", signature: "" })] },
      { thinking_blocks: [block({ thinking: "twos.", signature: "" })] },
      { thinking_blocks: [block({ thinking: "", signature: "s" })] },
      { thinking_blocks: [block({ thinking: "Four.", signature: "t" })] },
    ],
    joined: {
      thinking_blocks: [
        block({ thinking: "Two twos.", signature: "s" }),
        block({ thinking: "Four.", signature: "t" }),
      ],
    },
  },
  "the last text and object count": {
    pieces: [
      { reasoning_opaque: "a" },
      { reasoning_opaque: "b", extra_content: { google: { thought_signature: "s" } } },
    ],
    joined: { reasoning_opaque: "b", extra_content: { google: { thought_signature: "s" } } },
  },
};

for (const [name, { pieces, joined }] of Object.entries(CASES)) {
  Deno.test(`state: ${name}`, () => {
    const before = structuredClone(pieces);
    assertEquals(joinState(pieces), joined);
    assertEquals(pieces, before);
  });
}

Deno.test("state that is empty, of another type or a mark of a thought is ignored", () => {
  for (
    const message of [
      {},
      { reasoning_details: [], reasoning_opaque: "", extra_content: null },
      { reasoning_details: "a", thinking_blocks: {}, reasoning_opaque: 1, extra_content: "s" },
      { extra_content: { google: { thought: true } } },
    ]
  ) assertEquals(stateOf(message), undefined);
});
