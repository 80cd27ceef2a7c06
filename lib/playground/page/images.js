/**
 * Pictures for the next question: chosen, pasted or dropped.
 *
 * @module
 */
import { h } from "./dom.js";

const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const MOST_BYTES = 15_000_000;
const MOST_IMAGES = 8;

/**
 * Keeps the pictures of the next question.
 *
 * @param {object} elements
 * @param {HTMLElement} elements.list where they are shown
 * @param {HTMLInputElement} elements.input chooses files
 * @param {HTMLElement} elements.target takes what is dropped and pasted
 * @param {(line: string) => void} say
 */
export function createImages({ list, input, target }, say) {
  /** @type {{ name: string, url: string }[]} */
  let images = [];

  function show() {
    list.hidden = images.length === 0;
    list.replaceChildren(...images.map((image) =>
      h(
        "li",
        {},
        h("img", { src: image.url, alt: image.name }),
        h("button", {
          type: "button",
          class: "remove",
          "aria-label": `Remove ${image.name}`,
          onclick: () => {
            images = images.filter((other) => other !== image);
            show();
          },
        }, "×"),
      )
    ));
  }

  /** @param {Iterable<File>} files */
  async function add(files) {
    for (const file of files) {
      const name = file.name || "picture";
      if (!TYPES.includes(file.type)) say(`${name} is no PNG, JPEG, WebP or GIF.`);
      else if (file.size > MOST_BYTES) say(`${name} is larger than 15 MB.`);
      else if (images.length >= MOST_IMAGES) say(`No more than ${MOST_IMAGES} pictures.`);
      else {
        images.push({ name, url: await dataUrl(file) });
        say(`${name} attached.`);
      }
    }
    show();
  }

  input.addEventListener("change", () => {
    add([...input.files ?? []]);
    input.value = "";
  });
  target.addEventListener("paste", (event) => {
    const files = [...event.clipboardData?.files ?? []];
    if (files.length === 0) return;
    event.preventDefault();
    add(files);
  });
  target.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    target.classList.add("dropping");
  });
  target.addEventListener("dragleave", () => target.classList.remove("dropping"));
  target.addEventListener("drop", (event) => {
    target.classList.remove("dropping");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });

  return {
    /** Whether there are any. */
    any: () => images.length > 0,
    /** Hands them over as data URLs, and keeps none. */
    take() {
      const urls = images.map(({ url }) => url);
      images = [];
      show();
      return urls;
    },
  };
}

/**
 * @param {File} file
 * @returns {Promise<string>}
 */
function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
