import { h } from "../dom.js";

const TYPES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const MAX_BYTES = 15_000_000;
const MAX_IMAGES = 8;

/**
 * Collects pictures for the next question: chosen, pasted or dropped.
 *
 * @param {object} elements
 * @param {HTMLElement} elements.list shows the pictures
 * @param {HTMLInputElement} elements.input file picker
 * @param {HTMLElement} elements.target accepts dropped and pasted files
 * @param {(line: string, isProblem?: boolean) => void} notify shows a line to the user
 */
export function createImages({ list, input, target }, notify) {
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
      if (!TYPES.includes(file.type)) notify(`${name} is not a PNG, JPEG, WebP or GIF.`, true);
      else if (file.size > MAX_BYTES) notify(`${name} is larger than 15 MB.`, true);
      else if (images.length >= MAX_IMAGES) {
        notify(`At most ${MAX_IMAGES} pictures can be attached.`, true);
      } else {
        images.push({ name, url: await dataUrl(file) });
        notify(`${name} attached.`);
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
    isEmpty: () => images.length === 0,
    /** Removes all pictures and returns them as data URLs. */
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
