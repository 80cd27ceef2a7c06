import { h } from "../dom.js";
import { onLanguage, translate } from "../language/language.js";

/** @typedef {import("../api.js").Model} Model */
/** @typedef {import("../api.js").Strategy} Strategy */

/**
 * @typedef {object} Pick
 * @property {string} name display name
 * @property {string} model
 * @property {string} [strategy] replaces the model's own strategy
 * @property {string} runs the strategy that runs: its own or the other
 */

const MAX_LANES = 4;

/**
 * Selects one model, or compares up to {@linkcode MAX_LANES} models and strategies side by side.
 *
 * @param {object} elements
 * @param {HTMLElement} elements.list container of the selects
 * @param {HTMLElement} elements.explanation
 * @param {HTMLButtonElement} elements.compare toggles comparing
 * @param {(picks: Pick[]) => void} onChange called when other models or strategies are chosen
 */
export function createPicker({ list, explanation, compare }, onChange) {
  /** @type {Model[]} */
  let models = [];
  /** @type {Strategy[]} */
  let strategies = [];
  /** @type {string[]} */
  let chosen = [];

  /**
   * @param {string} value
   * @returns {Pick}
   */
  function pickOf(value) {
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

  /** @param {number} lane */
  function select(lane) {
    const isAlone = chosen.length === 1;
    const options = h("optgroup", { label: translate("Models") });
    options.append(...models.map(({ id }) => h("option", { value: `model:${id}` }, id)));
    const others = h("optgroup", {
      label: translate("Strategies, over {model}", { model: models[0]?.id ?? "" }),
    });
    others.append(
      ...strategies.map(({ name }) => h("option", { value: `strategy:${name}` }, name)),
    );
    const field = h(
      "select",
      { "aria-label": isAlone ? false : translate("Column {number}", { number: lane + 1 }) },
      options,
      others,
    );
    field.value = chosen[lane] ?? "";
    field.addEventListener("change", () => {
      chosen[lane] = field.value;
      explainAll();
    });
    const removable = chosen.length > 2;
    return h(
      "span",
      { class: "pick" },
      h(
        "label",
        {},
        h("span", { class: "label" }, isAlone ? translate("Model") : `${lane + 1}`),
        field,
      ),
      !removable ? null : h("button", {
        type: "button",
        class: "remove",
        "aria-label": translate("Remove column {number}", { number: lane + 1 }),
        onclick: () => {
          chosen.splice(lane, 1);
          show();
        },
      }, "×"),
    );
  }

  function show() {
    const isComparing = chosen.length > 1;
    compare.setAttribute("aria-pressed", String(isComparing));
    list.replaceChildren(...chosen.map((_, lane) => select(lane)));
    if (isComparing && chosen.length < MAX_LANES) {
      list.append(h("button", {
        type: "button",
        class: "quiet",
        onclick: () => {
          chosen.push(unusedModel());
          show();
          list.querySelectorAll("select")[chosen.length - 1]?.focus();
        },
      }, translate("Add a column")));
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
    /**
     * @param {Model[]} offeredModels
     * @param {Strategy[]} offeredStrategies
     */
    offer(offeredModels, offeredStrategies) {
      models = offeredModels;
      strategies = offeredStrategies;
      chosen = [`model:${models[0]?.id ?? ""}`];
      show();
    },
    /** @returns {Pick[]} */
    picks: () => chosen.map(pickOf),
  };
}
