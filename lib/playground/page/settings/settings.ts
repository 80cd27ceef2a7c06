import type { Pick } from "../chat/picker.ts";
import type { Settings } from "../chat/turns.ts";
import { byId, h } from "../dom/elements.ts";
import { chooseLanguage, chosenLanguage } from "../language/language.ts";
import type { createFields } from "./fields.ts";

/** Name of the theme in local storage; absent for that of the browser. */
const THEME_ITEM = "o1-api.theme";

/** The settings of the next questions, which last until the page is closed, and of the page. */
export function createSettings(fields: ReturnType<typeof createFields>) {
  const panel = byId("options", HTMLElement);
  const system = byId("system", HTMLTextAreaElement);
  const temperature = byId("temperature", HTMLInputElement);
  const maxTokens = byId("max-tokens", HTMLInputElement);
  const theme = byId("theme", HTMLSelectElement);
  const apply = () => document.documentElement.dataset.theme = theme.value;
  theme.value = localStorage.getItem(THEME_ITEM) ?? "";
  apply();
  theme.addEventListener("change", () => {
    apply();
    if (theme.value === "") localStorage.removeItem(THEME_ITEM);
    else localStorage.setItem(THEME_ITEM, theme.value);
  });
  const language = byId("language", HTMLSelectElement);
  language.value = chosenLanguage();
  language.addEventListener("change", () => void chooseLanguage(language.value));
  panel.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLElement) removeFault(target);
  });

  return {
    value: (): Settings => ({
      system: system.value,
      // An invalid number is an empty string.
      temperature: temperature.value,
      maxTokens: maxTokens.value,
      ...fields.values(),
    }),
    /**
     * Shows the server's message at the field that it is about; returns whether it is about one.
     *
     * @param param the server's name for the field.
     */
    showFault(param: string, message: string, { runs }: Pick): boolean {
      const controls = [...panel.querySelectorAll<HTMLElement>("[data-param]")];
      const control = controls.find(({ dataset }) =>
        dataset.param === param && (dataset.strategy ?? runs) === runs
      );
      if (control === undefined) return false;
      removeFault(control);
      const id = `${control.id}-fault`;
      const described = control.getAttribute("aria-describedby");
      control.setAttribute("aria-invalid", "true");
      control.setAttribute("aria-describedby", described === null ? id : `${id} ${described}`);
      control.after(h("p.alert", { id, role: "alert" }, message));
      return true;
    },
    clearFaults(): void {
      for (const control of panel.querySelectorAll<HTMLElement>("[aria-invalid]")) {
        removeFault(control);
      }
    },
  };
}

function removeFault(control: HTMLElement): void {
  if (!control.hasAttribute("aria-invalid")) return;
  control.removeAttribute("aria-invalid");
  const id = `${control.id}-fault`;
  document.getElementById(id)?.remove();
  const others = (control.getAttribute("aria-describedby") ?? "").replace(id, "").trim();
  if (others === "") control.removeAttribute("aria-describedby");
  else control.setAttribute("aria-describedby", others);
}
