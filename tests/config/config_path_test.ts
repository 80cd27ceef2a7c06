import { assertEquals } from "@std/assert";
import { configPath } from "../../lib/config/config_path.ts";

const place = { execPath: "/opt/o1/o1-api", moduleDir: "/src/o1" };

for (
  const [what, options, expected] of [
    [
      "--config wins in the executable",
      { flag: "my.yaml", standalone: true },
      "my.yaml",
    ],
    [
      "--config wins over main.ts",
      { flag: "/etc/my.yaml", standalone: false },
      "/etc/my.yaml",
    ],
    ["the executable reads beside itself", {
      flag: undefined,
      standalone: true,
    }, "/opt/o1/config.yaml"],
    [
      "main.ts reads beside itself",
      { flag: undefined, standalone: false },
      "/src/o1/config.yaml",
    ],
  ] as const
) {
  Deno.test(`configPath(): ${what}`, () => {
    assertEquals(configPath({ ...place, ...options }), expected);
  });
}
