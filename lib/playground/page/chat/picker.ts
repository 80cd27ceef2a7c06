import type { Model, Strategy } from "../api/types.ts";
import { byId, crossButton, h, quietButton } from "../dom/elements.ts";
import { onLanguage, translate } from "../language/translate.ts";

export interface Pick {
  /** Display name. */
  name: string;
  model: string;
  /** Replaces the model's own strategy. */
  strategy?: string;
  /** The strategy that runs: its own or the other. */
  runs: string;
}

const MAX_LANES = 4;

/** Selects one model, or compares up to {@linkcode MAX_LANES} models and strategies side by side. */
export function createPicker(onChange: (picks: Pick[]) => void) {
  const list = byId("picks", HTMLElement);
  const explanation = byId("explanation", HTMLElement);
  const compare = byId("compare", HTMLButtonElement);
  let models: Model[] = [];
  let strategies: Strategy[] = [];
  let chosen: string[] = [];

  function pickOf(value: string): Pick {
    const strategy = value.startsWith("strategy:") ? value.slice(9) : undefined;
    if (strategy !== undefined) {
      const model = models[0]?.id ?? "";
      return { name: `${strategy} · ${model}`, model, strategy, runs: strategy };
    }
    const model = value.slice(6);
    return { name: model, model, runs: models.find(({ id }) => id === model)?.strategy ?? "" };
  }

  function explainAll() {
    const isAlone = chosen.length === 1;
    explanation.textContent = chosen.map((value, i) => {
      const { runs } = pickOf(value);
      const strategy = strategies.find(({ name }) => name === runs);
      if (strategy === undefined) return "";
      const { name, summary, calls, latency } = strategy;
      return isAlone
        ? `${name} · ${summary} ${
          translate("Calls: {calls}. Latency: {latency}.", { calls, latency })
        }`
        : `${i + 1}: ${name} (${translate("calls: {calls}", { calls })})`;
    }).join(" · ");
    onChange(chosen.map(pickOf));
  }

  function select(lane: number) {
    const isAlone = chosen.length === 1;
    const others = translate("Strategies with {model}", { model: models[0]?.id ?? "" });
    const field = h(
      "select",
      { "aria-label": isAlone ? false : translate("Column {number}", { number: lane + 1 }) },
      optionsOf(translate("Models"), "model", models.map(({ id }) => id)),
      optionsOf(others, "strategy", strategies.map(({ name }) => name)),
    );
    field.value = chosen[lane] ?? "";
    field.addEventListener("change", () => {
      chosen[lane] = field.value;
      explainAll();
    });
    const removable = chosen.length > 2;
    return h(
      "span.pick",
      h("label", h("span.label", isAlone ? translate("Model") : `${lane + 1}`), field),
      !removable ? null : crossButton(
        "remove",
        translate("Remove column {number}", { number: lane + 1 }),
        () => {
          chosen.splice(lane, 1);
          show();
        },
      ),
    );
  }

  function show() {
    const isComparing = chosen.length > 1;
    compare.setAttribute("aria-pressed", String(isComparing));
    list.replaceChildren(...chosen.map((_, lane) => select(lane)));
    if (isComparing && chosen.length < MAX_LANES) {
      list.append(quietButton(translate("Add a column"), () => {
        chosen.push(unusedModel());
        show();
        list.querySelectorAll("select")[chosen.length - 1]?.focus();
      }));
    }
    explainAll();
  }

  /** Returns a model that no column has yet, or else the first model. */
  function unusedModel() {
    const free = models.find(({ id }) => !chosen.includes(`model:${id}`));
    return `model:${(free ?? models[0])?.id ?? ""}`;
  }

  onLanguage(show);
  compare.addEventListener("click", () => {
    if (chosen.length > 1) chosen = chosen.slice(0, 1);
    else chosen.push(unusedModel());
    show();
  });

  return {
    offer(offeredModels: Model[], offeredStrategies: Strategy[]) {
      models = offeredModels;
      strategies = offeredStrategies;
      chosen = [`model:${models[0]?.id ?? ""}`];
      show();
    },
    picks: (): Pick[] => chosen.map(pickOf),
  };
}

function optionsOf(label: string, kind: "model" | "strategy", names: readonly string[]) {
  const options = names.map((name) => h("option", { value: `${kind}:${name}` }, name));
  return h("optgroup", { label }, ...options);
}
