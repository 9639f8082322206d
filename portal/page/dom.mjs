// SPDX-License-Identifier: AGPL-3.0-or-later

/** The one element for a selector, of the expected class; a page without it is broken and stops here.
 * @template {Element} T @param {ParentNode} root @param {string} selector @param {new () => T} type @returns {T} */
export function find(root, selector, type) {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error("the page has no " + selector);
  return found;
}

/** All elements for a selector. @param {ParentNode} root @param {string} selector @returns {HTMLElement[]} */
export const all = (root, selector) => Array.from(root.querySelectorAll(selector));

/** A new element with text in it, never markup.
 * @template {keyof HTMLElementTagNameMap} K @param {K} name @param {string} text @param {string} look class names
 * @returns {HTMLElementTagNameMap[K]} */
export function make(name, text = "", look = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (look) element.className = look;
  return element;
}

/** Run what a button does when Enter is pressed in a field that belongs to no form.
 * @param {HTMLElement} field @param {HTMLElement} button */
export const enterPresses = (field, button) =>
  field.addEventListener("keydown", (event) => event.key === "Enter" && button.click());

/** Facts that the page carries in a data attribute as JSON. @param {string} name @returns {any} */
export const carried = (name) => JSON.parse(document.documentElement.dataset[name] ?? document.body.dataset[name] ?? "");

/** Let the officer save bytes as a file. @param {Uint8Array} bytes @param {string} name one that tells nothing */
export function saveFile(bytes, name) {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (bytes)], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers read it only once the officer has agreed
}

/** @typedef {(key: string, values?: Record<string, string | number>) => string} Say */
