import "./style/base.css";
import "./style/header.css";
import "./style/chat.css";
import "./style/thinking.css";
import "./style/text.css";
import "./style/code.css";
import "./style/figures.css";
import "./style/composer.css";
import "./style/panels.css";
import "./style/small.css";
import { listModels } from "./api.js";
import { createChat } from "./chat/chat.js";
import { createImages } from "./chat/images.js";
import { createPicker } from "./chat/picker.js";
import { createCodeDialog } from "./code/dialog.js";
import { byId, followEnd } from "./dom.js";
import { createDrawer } from "./drawer.js";

/** Name of the key in session storage, which the browser clears when the tab is closed. */
const KEY_ITEM = "o1-api.key";

/** Minimum time between two announcements to screen readers, in milliseconds. */
const ANNOUNCE_MS = 2_500;

const gate = byId("gate", HTMLElement);
const keyField = byId("key", HTMLInputElement);
const gateError = byId("gate-error", HTMLElement);
const playground = byId("playground", HTMLElement);
const bar = byId("bar-actions", HTMLElement);
const log = byId("log", HTMLElement);
const welcome = byId("welcome", HTMLElement);
const composer = byId("composer", HTMLFormElement);
const field = byId("question", HTMLTextAreaElement);
const effort = byId("effort", HTMLSelectElement);
const send = byId("send", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);
const notice = byId("notice", HTMLElement);
const eventsButton = byId("events", HTMLButtonElement);
const fileField = byId("files", HTMLInputElement);
let key = "";

const announce = createAnnouncer(byId("live", HTMLElement));
const drawer = createDrawer({
  drawer: byId("drawer", HTMLElement),
  list: byId("raw", HTMLElement),
  count: byId("raw-count", HTMLElement),
});
const picker = createPicker({
  list: byId("picks", HTMLElement),
  explanation: byId("explanation", HTMLElement),
  compare: byId("compare", HTMLButtonElement),
});
const images = createImages({
  list: byId("images", HTMLElement),
  input: fileField,
  target: playground,
}, notify);
const chat = createChat({
  log: byId("turns", HTMLElement),
  key: () => key,
  announce,
  drawer,
  showCode: createCodeDialog({
    dialog: byId("code", HTMLDialogElement),
    tabs: byId("code-tabs", HTMLElement),
    text: byId("code-text", HTMLElement),
    copyButton: byId("code-copy", HTMLButtonElement),
  }),
});

byId("gate-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  enter(keyField.value.trim());
});
byId("forget", HTMLButtonElement).addEventListener("click", () => {
  chat.clear();
  showGate("");
});
byId("new", HTMLButtonElement).addEventListener("click", () => {
  chat.clear();
  welcome.hidden = false;
  field.focus();
});
eventsButton.addEventListener("click", () => {
  eventsButton.setAttribute("aria-pressed", String(drawer.toggle()));
});
byId("attach", HTMLButtonElement).addEventListener("click", () => fileField.click());
stop.addEventListener("click", () => {
  chat.stop();
  field.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !chat.isRunning() || document.querySelector("dialog[open]")) return;
  chat.stop();
  field.focus();
});
composer.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
field.addEventListener("keydown", (event) => {
  // While an input method is composing, Enter selects a character. Safari ends the composition
  // before it reports that Enter, with the code of input methods, 229.
  if (event.key !== "Enter" || event.shiftKey) return;
  if (event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  ask();
});
field.addEventListener("input", grow);
for (const example of welcome.querySelectorAll("button")) {
  example.addEventListener("click", () => {
    field.value = example.textContent ?? "";
    ask();
  });
}
followEnd(log, byId("turns", HTMLElement));

const storedKey = sessionStorage.getItem(KEY_ITEM);
if (storedKey === null) showGate("");
else enter(storedKey);

/**
 * Opens the playground if the server accepts the key.
 *
 * @param {string} candidate
 */
async function enter(candidate) {
  gateError.textContent = "";
  if (candidate === "") return showGate("Enter the key first.");
  try {
    const { data, strategies } = await listModels(candidate);
    key = candidate;
    sessionStorage.setItem(KEY_ITEM, candidate);
    picker.offer(data, strategies);
    keyField.value = "";
    gate.hidden = true;
    playground.hidden = bar.hidden = false;
    field.focus();
  } catch (error) {
    showGate(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Forgets the key and asks for one.
 *
 * @param {string} message the reason, or an empty string
 */
function showGate(message) {
  key = "";
  sessionStorage.removeItem(KEY_ITEM);
  gate.hidden = false;
  playground.hidden = bar.hidden = true;
  welcome.hidden = false;
  gateError.textContent = message;
  keyField.focus();
}

async function ask() {
  const text = field.value.trim();
  if (text === "" && images.isEmpty()) return;
  if (chat.isRunning()) {
    notify("Wait for the answer, or press Escape to stop it.", true);
    return;
  }
  notify("");
  field.value = "";
  grow();
  welcome.hidden = true;
  showRunning(true);
  const answered = chat.ask({
    text,
    images: images.take(),
    picks: picker.picks(),
    effort: effort.value,
  });
  log.scrollTop = log.scrollHeight;
  await answered;
  showRunning(chat.isRunning());
}

/** @param {boolean} isRunning */
function showRunning(isRunning) {
  const hadFocus = document.activeElement === send || document.activeElement === stop;
  send.hidden = isRunning;
  stop.hidden = !isRunning;
  if (hadFocus) field.focus();
}

/** Fits the field's height to its text, up to 240 pixels. */
function grow() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight + 2, 240)}px`;
}

/**
 * Shows a line below the question.
 *
 * @param {string} line
 * @param {boolean} isProblem
 */
function notify(line, isProblem = false) {
  notice.textContent = line;
  notice.classList.toggle("problem", isProblem);
}

/**
 * Announces lines to screen readers; of several lines within {@linkcode ANNOUNCE_MS} only the
 * newest.
 *
 * @param {HTMLElement} live
 */
function createAnnouncer(live) {
  let last = -ANNOUNCE_MS;
  let next = "";
  /** @type {number | undefined} */
  let timer;
  return (/** @type {string} */ line) => {
    next = line;
    timer ??= setTimeout(() => {
      timer = undefined;
      last = performance.now();
      live.textContent = next;
    }, Math.max(0, last + ANNOUNCE_MS - performance.now()));
  };
}
