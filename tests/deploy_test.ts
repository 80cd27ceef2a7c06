import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parse as parseYaml } from "@std/yaml";
import { validate } from "dockerfile-utils";
import denoJson from "../deno.json" with { type: "json" };
import { parseConfig } from "../lib/config/load.ts";
import { resolveConfig } from "../lib/config/resolve.ts";
import { METRICS, prometheusName } from "../lib/server/telemetry/metric_table.ts";
import { TARGETS } from "../scripts/compile.ts";
import { SCRIPTS } from "./commands.ts";
import { reasonWithout, skippedFor } from "./support/skip.ts";

const ROOT = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

const DOCKERFILE = await read("deploy/Dockerfile");

/** The arguments of every instruction of this name, with continued lines joined. */
function instructions(name: string): string[] {
  const lines = DOCKERFILE.replace(/\\\n\s*/g, " ").split("\n");
  return lines.filter((line) => line.startsWith(`${name} `)).map((line) =>
    line.slice(name.length + 1)
  );
}

Deno.test("the Dockerfile has no faults that a parser finds", () => {
  assertEquals(
    validate(DOCKERFILE).map(({ message, range }) => `${range.start.line}: ${message}`),
    [],
  );
});

const HADOLINT = "hadolint finds no fault in the Dockerfile";

Deno.test(skippedFor(reasonWithout("hadolint"), HADOLINT), async () => {
  const { stdout } = await new Deno.Command("hadolint", { args: ["deploy/Dockerfile"], cwd: ROOT })
    .output();
  assertEquals(new TextDecoder().decode(stdout), "");
});

Deno.test("the image is built from pinned bases of the version of Deno in the README", async () => {
  const [, version] = /npx -y deno@([\d.]+) task start/.exec(await read("README.md"))!;
  const bases = instructions("FROM");
  assertEquals(bases.length, 2);
  for (const base of bases) {
    const image = new RegExp(
      `^denoland/deno:${RegExp.escape(version!)}@sha256:[0-9a-f]{64}( AS \\w+)?$`,
    );
    assert(image.test(base), base);
  }
});

Deno.test("everything that the Dockerfile copies exists and is in the build context", async () => {
  const ignored = (await read("deploy/Dockerfile.dockerignore")).trim().split("\n");
  assertEquals(ignored[0], "*");
  const context = ignored.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
  const copied = instructions("COPY").filter((line) => !line.includes("--from="))
    .flatMap((line) => line.split(" ").slice(0, -1));
  assertEquals(copied.map((path) => path.replace(/\/$/, "")).sort(), context.toSorted());
  for (const path of copied) await Deno.stat(new URL(path, ROOT));
  for (const [path] of instructions("RUN").join().matchAll(/\blib\/\S+\.ts/g)) {
    await Deno.stat(new URL(path, ROOT));
  }
});

Deno.test("the image runs with the flags of the task `start`, and not as root", () => {
  const flags = (words: string[]) =>
    words.filter((word) => word.startsWith("--") && !/^--(?:allow-write|cached-only)/.test(word));
  const [entry] = instructions("ENTRYPOINT");
  const words: string[] = JSON.parse(entry!);
  assertEquals(flags(words), flags(denoJson.tasks.start.split(" ")));
  assert(words.includes("--allow-write=/data"));
  assertEquals([instructions("USER"), instructions("VOLUME")], [["1993"], ["/data"]]);
  assertEquals(instructions("HEALTHCHECK").length, 1);
});

/** An image with its version, for people, and its digest. */
const PINNED_IMAGE = /^[\w./-]+:\S*\d\S*@sha256:[0-9a-f]{64}$/;

interface Service {
  build?: { context: string; dockerfile: string };
  image?: string;
  volumes?: string[];
  depends_on?: Record<string, unknown>;
}

Deno.test("compose.yaml names existing files, services and volumes", async () => {
  const compose = parseYaml(await read("deploy/compose.yaml")) as {
    services: Record<string, Service>;
    volumes: Record<string, null>;
  };
  const deploy = new URL("deploy/", ROOT);
  for (
    const [name, { build, image, volumes = [], depends_on = {} }] of Object.entries(
      compose.services,
    )
  ) {
    if (build === undefined) assert(PINNED_IMAGE.test(image!), `${name} has no pinned image`);
    else await Deno.stat(new URL(`${build.context}/${build.dockerfile}`, deploy));
    for (const dependency of Object.keys(depends_on)) {
      assert(dependency in compose.services, dependency);
    }
    for (const [source] of volumes.map((volume) => volume.split(":"))) {
      if (source!.startsWith(".")) await Deno.stat(new URL(source!, deploy));
      else assert(source! in compose.volumes, source);
    }
  }
});

// deno-lint-ignore no-explicit-any -- tests read any field
const kubernetes = new Map<string, any>();
for await (const { name } of Deno.readDir(new URL("deploy/kubernetes/", ROOT))) {
  const resource = parseYaml(await read(`deploy/kubernetes/${name}`)) as { kind: string };
  kubernetes.set(resource.kind, resource);
}

Deno.test("the resources for Kubernetes refer to each other", () => {
  assertEquals([...kubernetes.keys()].sort(), [
    ...["ConfigMap", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service"],
  ]);
  const { metadata: { name }, spec } = kubernetes.get("Deployment");
  const { labels } = spec.template.metadata;
  const [container] = spec.template.spec.containers;
  const [config] = spec.template.spec.volumes;
  assertEquals(spec.selector.matchLabels, labels);
  assertEquals(kubernetes.get("Service").spec.selector, labels);
  assertEquals(kubernetes.get("PodDisruptionBudget").spec.selector.matchLabels, labels);
  assertEquals(kubernetes.get("HorizontalPodAutoscaler").spec.scaleTargetRef.name, name);
  assertEquals(kubernetes.get("ConfigMap").metadata.name, config.configMap.name);
  const ports: { name: string; containerPort: number }[] = container.ports;
  const named = ports.map((port) => port.name);
  assertEquals(ports[0], { name: "http", containerPort: 18_888 });
  assert(named.includes(kubernetes.get("Service").spec.ports[0].targetPort));
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    assert(named.includes(container[probe].httpGet.port), probe);
  }
  assertEquals(String(spec.template.spec.securityContext.runAsUser), instructions("USER")[0]);
  assertStringIncludes(container.image, ":VERSION");
});

Deno.test("the configuration for Kubernetes is valid, and a pod has time to shut down", async () => {
  const { data } = kubernetes.get("ConfigMap");
  const { spec } = kubernetes.get("Deployment").spec.template;
  const [{ args, env, ports, volumeMounts: [mount], readinessProbe }] = spec.containers;
  const [file] = Object.keys(data);
  assertEquals(args, ["--config", `${mount.mountPath}/${file}`]);
  const values: Record<string, string> = {
    ...Object.fromEntries(
      env.map(({ name, value }: { name: string; value: string }) => [name, value]),
    ),
    O1_API_TOKEN: "t",
    O1_API_SECRET: "s",
    REDIS_URL: "redis://redis:6379",
  };
  const config = await parseConfig(data[file!], {
    env: (name) => values[name],
    file: args[1],
    readFile: () => Promise.reject(new Deno.errors.NotFound()),
  });
  const { server, metrics } = resolveConfig(config, { env: (name) => values[name] });
  assertEquals(ports[1], { name: "metrics", containerPort: metrics.port });
  const { shutdown_delay_ms: delayMs, shutdown_grace_ms: graceMs } = server;
  assert(spec.terminationGracePeriodSeconds * 1_000 >= delayMs + graceMs + 5_000);
  assert(delayMs > readinessProbe.periodSeconds * readinessProbe.failureThreshold * 1_000);
  const [{ pods }] = kubernetes.get("HorizontalPodAutoscaler").spec.metrics;
  assert(Object.values(METRICS).map(prometheusName).includes(pods.metric.name));
});

Deno.test("the configuration for compose.yaml is valid, with and without a provider", async () => {
  const file = "deploy/compose.config.yaml";
  const text = await read(file);
  const provider = text.replace(/^(default_\w+:.*)$/gm, "# was: $1").replace(
    /^# (default_)/gm,
    "$1",
  );
  for (const yaml of [text, provider]) {
    const env = (name: string) => name === "O1_API_TOKEN" ? "a-secret" : undefined;
    const options = { env, file, readFile: () => Promise.reject(new Error()) };
    const config = await parseConfig(yaml, options);
    const { hasRealToken } = resolveConfig(config, { env });
    assertEquals([hasRealToken, config.store], [true, "redis://redis:6379"]);
  }
});

const WORKFLOWS = await Promise.all(
  ["ci", "release"].map((name) => read(`.github/workflows/${name}.yml`)),
);

Deno.test("every action of the workflows is pinned to a commit, and no token is left behind", () => {
  for (const workflow of WORKFLOWS) {
    const uses = workflow.match(/uses: .*/g) ?? [];
    assert(uses.length > 4);
    for (const use of uses) assert(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(use), use);
    const checkouts = uses.filter((use) => use.includes("actions/checkout"));
    assertEquals(workflow.match(/persist-credentials: false/g)?.length, checkouts.length);
    for (const [, image] of workflow.matchAll(/docker run --privileged --rm (\S+)/g)) {
      assert(PINNED_IMAGE.test(image!), image);
    }
    assert(/^permissions:\n {2}contents: read\n/m.test(workflow));
  }
});

Deno.test("the workflows run existing tasks, scripts and targets", async () => {
  for (const workflow of WORKFLOWS) {
    assert(parseYaml(workflow) !== null);
    for (const [, task] of workflow.matchAll(/ task ([a-z]+)/g)) {
      assert(task! in denoJson.tasks, task);
    }
    for (const [path] of workflow.matchAll(/(?:scripts|deploy|tests)\/[\w./]+/g)) {
      await Deno.stat(new URL(path, ROOT));
    }
  }
  const targets = [...WORKFLOWS[1]!.matchAll(/target: ([\w-]+),/g)].map(([, target]) => target);
  assertEquals(targets, Object.keys(TARGETS));
});

Deno.test({
  name: "scripts that name their interpreter can be executed",
  ignore: Deno.build.os === "windows",
  async fn() {
    assert(SCRIPTS.length > 5);
    for (const path of SCRIPTS) {
      const { mode } = await Deno.stat(new URL(path, ROOT));
      assert((mode! & 0o100) !== 0, path);
    }
  },
});

Deno.test("only deno.json has the version", async () => {
  const files = new TextDecoder().decode(
    (await new Deno.Command("git", {
      args: ["ls-files", "lib", "deploy", "scripts", "README.md"],
      cwd: ROOT,
    })
      .output()).stdout,
  ).trim().split("\n").filter((path) => /\.(?:ts|js|json|md|yaml|service)$|Dockerfile/.test(path));
  const written = new RegExp(`(?<![\\d.])${RegExp.escape(denoJson.version)}(?![\\d.])`);
  for (const path of files) assert(!written.test(await read(path)), path);
});
