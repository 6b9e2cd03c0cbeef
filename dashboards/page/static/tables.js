// Tables as wide and as high as there is room: nothing is cut off, neither at the side nor in the midst of a row.
import { element } from "./elements.js";

const widths = new WeakMap();
const opened = new WeakSet();
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (widths.get(target) !== target.clientWidth) fit(target);
  }
});

// Lay out the table in `place`, now and whenever the place gets another width.
export function fit(place) {
  const scrolled = place.querySelector(".scrolled");
  widths.set(place, place.clientWidth);
  if (!scrolled) return;
  watcher.observe(place);
  stackIfTooWide(scrolled);
  showWholeRows(place, scrolled);
}

// A table that is too wide becomes a list: each row a small block, each value under its column's name.
export function stackIfTooWide(scrolled) {
  const table = scrolled.querySelector("table");
  table.classList.remove("stacked");
  table.classList.toggle("stacked", scrolled.scrollWidth > scrolled.clientWidth);
}

function showWholeRows(place, scrolled) {
  place.querySelector(".more")?.remove();
  scrolled.style.maxHeight = "";
  const rows = [...scrolled.querySelectorAll("tbody tr")];
  const limit = Number.parseFloat(getComputedStyle(scrolled).maxHeight);
  const top = scrolled.getBoundingClientRect().top - scrolled.scrollTop;
  const bottoms = rows.map((row) => row.getBoundingClientRect().bottom - top);
  const shown = Math.max(1, bottoms.filter((bottom) => bottom <= limit).length);
  // What says that one row is missing would take the room of that row.
  const isWhole = shown >= rows.length - 1;
  scrolled.style.maxHeight = isWhole || opened.has(place) ? "none" : `${bottoms[shown - 1]}px`;
  if (!isWhole) place.append(switchOf(place, rows.length, shown));
}

function switchOf(place, all, shown) {
  const isOpen = opened.has(place);
  return element("button", {
    type: "button", class: "more", "aria-expanded": String(isOpen),
    onclick: () => {
      if (isOpen) opened.delete(place);
      else opened.add(place);
      fit(place);
      place.querySelector(".more")?.focus({ preventScroll: true });
    },
  }, isOpen ? "show fewer rows" : `${shown} of ${all} rows: show all`);
}
