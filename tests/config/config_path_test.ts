import { assertEquals } from "@std/assert";
import { configPath } from "../../lib/config/config_path.ts";

const place = { home: undefined, execPath: "/opt/o1/o1-api", moduleDir: "/src/o1" };

for (
  const [what, options, expected] of [
    [
      "--config is used by the executable",
      { flag: "my.yaml", home: "/home/me", standalone: true },
      "my.yaml",
    ],
    [
      "--config is used by main.ts",
      { flag: "/etc/my.yaml", standalone: false },
      "/etc/my.yaml",
    ],
    ["the executable uses its own folder", {
      flag: undefined,
      standalone: true,
    }, "/opt/o1/config.yaml"],
    ["O1_API_HOME is used without --config", {
      flag: undefined,
      home: "/home/me",
      standalone: true,
    }, "/home/me/config.yaml"],
    ["an empty O1_API_HOME is not used", {
      flag: undefined,
      home: "",
      standalone: false,
    }, "/src/o1/config.yaml"],
    [
      "main.ts uses its own folder",
      { flag: undefined, standalone: false },
      "/src/o1/config.yaml",
    ],
  ] as const
) {
  Deno.test(`configPath(): ${what}`, () => {
    assertEquals(configPath({ ...place, ...options }), expected);
  });
}
