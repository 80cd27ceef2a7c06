/**
 * The options of strategies and the tools of models, as the server describes them.
 *
 * @module
 */
import type { Model, OptionField, Strategy } from "../api/types.ts";
import type { Pick } from "../chat/picker.ts";
import { byId, h } from "../dom/elements.ts";
import { translate } from "../language/translate.ts";

type Value = string | number | boolean;

export interface FieldValues {
  /** What requests set, by strategy and name. */
  options: Record<string, Record<string, Value>>;
  /** Tools that requests may use, by model; all if it has none. */
  tools: Record<string, string[]>;
}

type Control = HTMLInputElement | HTMLSelectElement;

/** Fields for what the chosen columns run. Their values last until the page is closed. */
export function createFields() {
  const container = byId("fields", HTMLElement);
  let models: readonly Model[] = [];
  let strategies: readonly Strategy[] = [];
  let picks: readonly Pick[] = [];
  /** What the reader has entered, by strategy and name. */
  const entered = new Map<string, Map<string, string>>();
  /** Tools that the reader has switched off, by model. */
  const without = new Map<string, Set<string>>();

  function show(): void {
    const groups: HTMLElement[] = [];
    for (const [strategy, model] of new Map(picks.map(({ runs, model }) => [runs, model]))) {
      const fields = strategies.find(({ name }) => name === strategy)?.options ?? {};
      const own = models.find(({ id }) => id === model);
      const defaults = own?.strategy === strategy ? own.options : {};
      const rows = Object.entries(fields).map(([name, field]) => {
        const values = entered.get(strategy) ?? new Map<string, string>();
        entered.set(strategy, values);
        return fieldOf(
          strategy,
          name,
          { ...field, default: defaults[name] ?? field.default },
          values,
        );
      });
      if (rows.length > 0) {
        groups.push(group(translate("Options for {strategy}", { strategy }), rows));
      }
    }
    for (const id of new Set(picks.map(({ model }) => model))) {
      const tools = models.find((model) => model.id === id)?.tools ?? [];
      const off = without.get(id) ?? new Set<string>();
      without.set(id, off);
      if (tools.length > 0) {
        groups.push(
          group(
            translate("Tools of {model}", { model: id }),
            tools.map((name) => toolOf(name, off)),
          ),
        );
      }
    }
    container.replaceChildren(...groups);
  }

  return {
    offer(offeredModels: readonly Model[], offeredStrategies: readonly Strategy[]): void {
      models = offeredModels;
      strategies = offeredStrategies;
    },
    /** Shows the fields for these columns, in the page's language. */
    show(chosen: readonly Pick[]): void {
      picks = chosen;
      show();
    },
    values(): FieldValues {
      const options: FieldValues["options"] = {};
      for (const { name, options: fields } of strategies) {
        const values = [...entered.get(name) ?? []].filter(([, text]) => text !== "");
        if (values.length === 0) continue;
        options[name] = Object.fromEntries(
          values.map(([field, text]) => [field, valueOf(text, fields[field]!)]),
        );
      }
      const tools: FieldValues["tools"] = {};
      for (const { id, tools: all } of models) {
        const off = without.get(id);
        if (off?.size) tools[id] = all.filter((name) => !off.has(name));
      }
      return { options, tools };
    },
  };
}

function group(title: string, rows: readonly HTMLElement[]): HTMLElement {
  return h("fieldset", h("legend", title), ...rows);
}

function fieldOf(
  strategy: string,
  name: string,
  field: OptionField,
  values: Map<string, string>,
): HTMLElement {
  const id = `option-${strategy}-${name}`;
  const control = controlOf(field, id, name);
  control.dataset.param = `reasoning.${name}`;
  control.dataset.strategy = strategy;
  control.value = values.get(name) ?? "";
  control.addEventListener("input", () => values.set(name, control.value));
  // The server describes it in English.
  const note = h("small", { id: `${id}-note`, lang: "en" }, ...codeIn(field.description ?? ""));
  return h("div.field", h("label", { for: id, translate: "no" }, name), control, note);
}

function controlOf(field: OptionField, id: string, name: string): Control {
  const common = { id, name, "aria-describedby": `${id}-note` };
  const byDefault = field.default === undefined
    ? translate("default")
    : translate("default: {value}", { value: nameOf(field.default) });
  const choices = field.type === "boolean" ? [true, false] : field.enum;
  if (choices !== undefined) {
    // `h` would omit an attribute that is false.
    const options = choices.map((choice) => h("option", { value: String(choice) }, nameOf(choice)));
    return h("select", common, h("option", { value: "" }, byDefault), ...options);
  }
  return h("input", {
    ...common,
    type: "number",
    min: field.minimum,
    max: field.maximum,
    step: field.type === "integer" ? 1 : 0.1,
    placeholder: byDefault,
  });
}

function nameOf(value: unknown): string {
  if (value === true) return translate("on");
  return value === false ? translate("off") : String(value);
}

/** The server decides what is valid: a text that is no number is sent as it is. */
function valueOf(text: string, { type }: OptionField): Value {
  if (type === "boolean") return text === "true";
  const number = Number(text);
  return type === "string" || Number.isNaN(number) ? text : number;
}

function toolOf(name: string, off: Set<string>): HTMLElement {
  const box = h("input", { type: "checkbox" });
  box.checked = !off.has(name);
  box.addEventListener("change", () => {
    if (box.checked) off.delete(name);
    else off.add(name);
  });
  return h("label.keep", { translate: "no" }, box, name);
}

/** A text whose parts between backticks are code. */
function codeIn(text: string): (string | HTMLElement)[] {
  return text.split("`").map((part, i) => i % 2 === 0 ? part : h("code", part));
}
