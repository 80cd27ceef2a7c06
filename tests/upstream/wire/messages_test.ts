import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  type Capabilities,
  defaultCapabilities,
} from "../../../lib/upstream/capabilities/capabilities.ts";
import type { Target, UpstreamMessage } from "../../../lib/upstream/target.ts";
import { adaptMessages } from "../../../lib/upstream/wire/messages.ts";

const target = { upstream: { base_url: "https://a.example/v1" }, model: "m" } as Target;

const says = (role: string, content: unknown): UpstreamMessage => ({ role, content });
const text = (text: string) => ({ type: "text", text });
const IMAGE = { type: "image_url", image_url: { url: "data:," } };
const CALL = { id: "c1", type: "function", function: { name: "add", arguments: '{"a":1}' } };
const CALLS: UpstreamMessage = { role: "assistant", content: null, tool_calls: [CALL] };
const RESULT: UpstreamMessage = { role: "tool", tool_call_id: "c1", content: "2" };

const CASES: readonly [
  name: string,
  capabilities: Partial<Capabilities>,
  given: UpstreamMessage[],
  expected: UpstreamMessage[],
][] = [
  [
    "no role developer",
    { developerRole: false },
    [says("developer", "Be brief."), says("user", "Hi")],
    [says("system", "Be brief."), says("user", "Hi")],
  ],
  [
    "system messages at the start only",
    { systemMessages: "first" },
    [says("user", "Hi"), says("system", "A"), says("system", [text("B"), text("C")])],
    [says("system", "A\n\nB\nC"), says("user", "Hi")],
  ],
  [
    "no system messages",
    { systemMessages: "none" },
    [says("system", "A"), says("user", "Hi"), says("system", "B")],
    [says("user", "A\n\nB\n\nHi")],
  ],
  [
    "no system messages, and a user who sends parts",
    { systemMessages: "none" },
    [says("system", "A"), says("user", [IMAGE])],
    [says("user", [text("A"), IMAGE])],
  ],
  [
    "no system messages, and no user",
    { systemMessages: "none" },
    [says("system", "A"), says("assistant", "Hi")],
    [says("user", "A"), says("assistant", "Hi")],
  ],
  [
    "roles that take turns",
    { alternatingRoles: true },
    [says("user", "A"), says("user", "B"), says("assistant", "C"), says("assistant", "D")],
    [says("user", "A\n\nB"), says("assistant", "C\n\nD")],
  ],
  [
    "roles that take turns, with parts and an empty text",
    { alternatingRoles: true },
    [says("user", [IMAGE]), says("user", "B"), says("user", "")],
    [says("user", [IMAGE, text("B")])],
  ],
  [
    "roles that take turns, and an assistant who begins",
    { alternatingRoles: true },
    [says("system", "S"), says("assistant", "A"), says("user", "B")],
    [says("system", "S"), says("user", "Continue."), says("assistant", "A"), says("user", "B")],
  ],
  [
    "roles that take turns, and a user after a tool",
    { alternatingRoles: true },
    [says("user", "A"), CALLS, RESULT, RESULT, says("user", "B")],
    [
      says("user", "A"),
      CALLS,
      RESULT,
      RESULT,
      says("assistant", "I have the results."),
      says("user", "B"),
    ],
  ],
  [
    "no calls without definitions of tools",
    { toolHistory: false },
    [says("user", "A"), { ...CALLS, content: "I add." }, RESULT],
    [
      says("user", "A"),
      says("assistant", 'I add.\nCall c1: add({"a":1})'),
      says("user", "Result of the call c1:\n2"),
    ],
  ],
  [
    "no parts of text",
    { textParts: false },
    [says("user", [text("A"), text("B")]), says("user", [text("A"), IMAGE])],
    [says("user", "A\nB"), says("user", [text("A"), IMAGE])],
  ],
  ["no null", { nullContent: false }, [CALLS], [{ ...CALLS, content: "" }]],
  [
    "a field that is rejected",
    { rejectedMessageFields: ["name"] },
    [{ ...says("user", "A"), name: "Bob" }, says("user", "B")],
    [says("user", "A"), says("user", "B")],
  ],
];

for (const [name, capabilities, given, expected] of CASES) {
  Deno.test(`messages are adapted to an upstream with ${name}`, () => {
    const own = { ...defaultCapabilities(target), developerRole: true };
    assertEquals(adaptMessages(given, { ...own, ...capabilities }, false), expected);
    // Other upstreams get the same objects.
    for (const [i, message] of adaptMessages(given, own, false).entries()) {
      assertStrictEquals(message, given[i]);
    }
  });
}

Deno.test("instructions have the role developer only at OpenAI, and only if the client sent it", () => {
  const given = [says("developer", "Be brief."), says("system", "Be kind."), says("user", "Hi")];
  const roles = [
    ["https://api.openai.com/v1", "developer"],
    ["https://example.openai.azure.com/openai/v1", "system"],
    ["http://127.0.0.1:11434/v1", "system"],
  ] as const;
  for (const [base_url, role] of roles) {
    const upstream = { ...target.upstream, base_url };
    const adapted = adaptMessages(given, defaultCapabilities({ ...target, upstream }), false);
    assertEquals(adapted.map(({ role }) => role), [role, "system", "user"], base_url);
  }
});

Deno.test("calls stay calls if tools are defined", () => {
  const own = { ...defaultCapabilities(target), toolHistory: false };
  assertEquals(adaptMessages([CALLS, RESULT], own, true), [CALLS, RESULT]);
});
