import type { Settings } from "./turns.ts";
import { byId } from "../dom.js";
import { chooseLanguage, chosenLanguage } from "../language/language.js";

/** Name of the theme in local storage; absent for that of the browser. */
const THEME_ITEM = "o1-api.theme";

/** The settings of the next questions, which last until the page is closed, and the theme. */
export function createSettings(): { value: () => Settings } {
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
  return {
    value: () => ({
      system: system.value,
      // An invalid number is an empty string.
      temperature: temperature.value,
      maxTokens: maxTokens.value,
    }),
  };
}
