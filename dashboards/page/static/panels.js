// Panels of words and numbers: stat, text, table, bars.  Each takes the panel and its answer, and gives elements.
import { element } from "./elements.js";
import { NOTHING, format, isNumber, judged, numberOf } from "./format.js";

// A column `currency` says what the money of its row is in: the page writes that with the amounts instead.
function rowsOf(answer) {
  return answer.rows.map((row) => Object.fromEntries(answer.columns.map((name, at) => [name, row[at]])));
}

function shownColumns(panel, answer) {
  const columns = panel.columns.length
    ? panel.columns.filter((column) => answer.columns.includes(column.name))
    : answer.columns.map((name) => ({ name, title: name, unit: "none", thresholds: [], words: [] }));
  const money = columns.some((column) => column.unit === "money");
  return paired(money ? columns.filter((column) => column.name !== "currency") : columns);
}

// Two columns `..._low`, `..._high` are one interval.
function paired(columns) {
  return columns.flatMap((column, at) => {
    const base = column.name.replace(/_low$/, "");
    if (base !== column.name && columns[at + 1]?.name === `${base}_high`) {
      return [{ ...column, high: columns[at + 1].name, title: column.title.replace(/ from$/, "") }];
    }
    return base !== column.name || columns[at - 1]?.name !== column.name.replace(/_high$/, "_low") ? [column] : [];
  });
}

export function isEmpty(panel, answer) {
  if (answer.rows.length === 0) return true;
  const names = new Set(panel.columns.map((column) => column.name));
  const wanted = answer.columns.map((name, at) => [name, at]).filter(([name]) => names.size === 0 || names.has(name));
  return (panel.kind === "stat" || panel.kind === "text")
    && wanted.every(([name, at]) => name === "currency" || answer.rows[0][at] === null || answer.rows[0][at] === "");
}

function valueOf(row, column, currency) {
  if (column.high) return [interval(row, column, row.currency || currency)];
  const plain = format(row[column.name], column.unit, row.currency || currency);
  const text = column.words?.length ? plain.replaceAll("_", " ") : plain;
  const verdict = judged(row[column.name], column);
  const shown = column.words?.length && verdict
    ? element("span", { class: `pill ${verdict.colour}` }, text)
    : element("span", { class: verdict ? `value ${verdict.colour}` : "value", title: text === NOTHING ? "not known" : null }, text);
  return verdict?.word ? [shown, " ", element("span", { class: `word ${verdict.colour}` }, verdict.word)] : [shown];
}

function interval(row, column, currency) {
  const [low, high] = [column.name, column.high].map((name) => format(row[name], column.unit, currency));
  return low === NOTHING || high === NOTHING ? NOTHING : `${column.unit === "percent" ? low.replace(" %", "") : low} – ${high}`;
}

export function stat(panel, answer, currency) {
  const row = rowsOf(answer)[0];
  // What is not known is left out, so that something always stands first.
  const [first, ...others] = shownColumns(panel, answer).filter((column) => row[column.name] !== null);
  const list = element("dl", { class: "others" });
  for (const column of others) {
    list.append(element("div", {}, element("dt", {}, column.title), element("dd", {}, ...valueOf(row, column, currency))));
  }
  return [
    element("p", { class: "first" }, ...valueOf(row, first, currency), element("span", { class: "of" }, first.title)),
    list,
  ];
}

export function text(panel, answer, currency) {
  const row = rowsOf(answer)[0];
  return shownColumns(panel, answer)
    .filter((column) => row[column.name] !== null && row[column.name] !== "")
    .map((column, at) => at === 0
      ? element("p", { class: "first state" }, ...valueOf(row, column, currency))
      : element("p", { class: "said" }, element("span", { class: "label" }, column.title), ...valueOf(row, column, currency)));
}

// Roles in so many words: a table that is laid out as a list is none to some screen readers otherwise.
export function tableOf(caption, head, body) {
  head.setAttribute("role", "row");
  return element("table", { role: "table" }, element("caption", {}, caption), element("thead", { role: "rowgroup" }, head), body);
}

export function table(panel, answer, currency, address) {
  const columns = shownColumns(panel, answer);
  const head = element("tr", {}, ...columns.map((column) =>
    element("th", { scope: "col", role: "columnheader", class: isNumber(column.unit) ? "number" : null }, column.title)));
  const body = element("tbody", { role: "rowgroup" });
  for (const row of rowsOf(answer)) {
    body.append(element("tr", { role: "row" }, ...columns.map((column) => cell(row, column, currency, address))));
  }
  return [scrolled(panel.title, tableOf(panel.question, head, body))];
}

function cell(row, column, currency, address) {
  const length = String(row[column.name] ?? "").length;
  const word = length <= 12 ? "word-cell" : length <= 16 ? "word-cell wide" : length <= 48 ? "words" : "words long";
  const kind = column.unit === "datetime" ? "time" : isNumber(column.unit) ? "number" : word;
  const parts = valueOf(row, column, currency);
  const linked = column.link && row[column.name] ? [element("a", { href: address(column.link, row[column.name]) }, ...parts)] : parts;
  return element("td", { class: kind, role: "cell", "data-label": column.title }, ...linked);
}

export function scrolled(title, content) {
  return element("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": title }, content);
}

export function bars(panel, answer, currency) {
  const [named, numbered] = panel.columns.length ? panel.columns : [{ title: "" }, { title: panel.title }];
  const largest = Math.max(...answer.rows.map((row) => Number(row[1])), 1e-12);
  const body = element("tbody");
  for (const [name, value] of answer.rows) {
    const verdict = judged(value, panel);
    const bar = element("span", { class: `bar-line ${verdict ? verdict.colour : "blue"}`, "aria-hidden": "true" });
    bar.style.width = `${Math.max(0, (100 * numberOf(value)) / largest)}%`;
    body.append(element("tr", {},
      element("th", { scope: "row" }, format(name, "text")),
      element("td", { class: "bar-cell" }, bar),
      element("td", { class: "number" }, format(value, panel.unit, currency), verdict?.word ? ` ${verdict.word}` : "")));
  }
  const head = element("tr", {}, element("th", { scope: "col" }, named.title), element("td"),
    element("th", { scope: "col", class: "number" }, numbered.title));
  return [element("table", { class: "bars" }, element("caption", {}, panel.question), element("thead", {}, head), body)];
}
