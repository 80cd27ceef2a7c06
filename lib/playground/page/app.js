/**
 * The playground: asks for the key, then lets people ask.
 *
 * @module
 */
import { listModels } from "./api.js";
import { createChat } from "./chat.js";
import { createCodeDialog } from "./code_dialog.js";
import { createPicker } from "./controls.js";
import { byId } from "./dom.js";
import { createDrawer } from "./drawer.js";
import { createImages } from "./images.js";

/** Where the key is kept: in this tab, until it is closed. */
const KEY_ITEM = "o1-api.key";

/** Least time between two lines that are said aloud, in milliseconds. */
const SAY_MS = 2_500;

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

const say = createSay(byId("live", HTMLElement));
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
}, (line) => notice.textContent = line);
const chat = createChat({
  log: byId("turns", HTMLElement),
  key: () => key,
  say,
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
  leave("");
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
  // Enter that ends the choice of a character is not meant for us.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
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
keepAtEnd();

const kept = sessionStorage.getItem(KEY_ITEM);
if (kept === null) leave("");
else enter(kept);

/** @param {string} given the key to be tried */
async function enter(given) {
  gateError.textContent = "";
  if (given === "") return leave("Enter the key first.");
  try {
    const models = await listModels(given);
    key = given;
    sessionStorage.setItem(KEY_ITEM, given);
    picker.offer(models);
    keyField.value = "";
    gate.hidden = true;
    playground.hidden = bar.hidden = false;
    field.focus();
  } catch (error) {
    leave(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} message why the key is asked for again */
function leave(message) {
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
  if (chat.isRunning() || (text === "" && !images.any())) return;
  notice.textContent = "";
  field.value = "";
  grow();
  welcome.hidden = true;
  showRunning(true);
  log.scrollTop = log.scrollHeight;
  await chat.ask({ text, images: images.take(), picks: picker.picks(), effort: effort.value });
  showRunning(chat.isRunning());
}

/** @param {boolean} isRunning */
function showRunning(isRunning) {
  const hadFocus = document.activeElement === send || document.activeElement === stop;
  send.hidden = isRunning;
  stop.hidden = !isRunning;
  if (hadFocus) field.focus();
}

/** The field is as high as its text, within bounds. */
function grow() {
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight + 2, 240)}px`;
}

/** Who reads the end keeps seeing it; who has scrolled away is left in peace. */
function keepAtEnd() {
  let atEnd = true;
  log.addEventListener("scroll", () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  }, { passive: true });
  const observer = new ResizeObserver(() => {
    if (atEnd) log.scrollTop = log.scrollHeight;
  });
  observer.observe(byId("turns", HTMLElement));
  observer.observe(log);
}

/**
 * Says lines to screen readers, the newest one at most every few seconds.
 *
 * @param {HTMLElement} live
 */
function createSay(live) {
  let last = -SAY_MS;
  let next = "";
  /** @type {number | undefined} */
  let timer;
  return (/** @type {string} */ line) => {
    next = line;
    timer ??= setTimeout(() => {
      timer = undefined;
      last = performance.now();
      live.textContent = next;
    }, Math.max(0, last + SAY_MS - performance.now()));
  };
}
