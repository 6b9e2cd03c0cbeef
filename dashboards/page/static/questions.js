// The box for questions in SQL: five that run, and the dictionary of what can be asked.
import { element, fetchJson } from "./elements.js";
import { NOTHING } from "./format.js";
import { scrolled, tableOf } from "./panels.js";
import { stackIfTooWide } from "./tables.js";

const phone = matchMedia("(max-width: 640px)");
const quoted = (text) => `'${String(text).replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

export async function showQuestions(place, campaign) {
  const told = await fetchJson("/api/dictionary");
  const box = element("textarea", { id: "sql", spellcheck: "false", autocapitalize: "off", autocomplete: "off", rows: "9", "aria-describedby": "hint" });
  const status = element("p", { class: "status", role: "status" });
  const result = element("div", { class: "result" });
  const run = element("button", { type: "button", class: "run", disabled: !told.open, onclick: () => ask(box, run, status, result) }, "Run");
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask(box, run, status, result);
  });
  const examples = told.questions.map((question) => element("button", {
    type: "button",
    onclick: () => {
      box.value = question.sql.replaceAll("{campaign}", quoted(campaign));
      ask(box, run, status, result);
    },
  }, question.words));
  box.value = told.questions[0]?.sql.replaceAll("{campaign}", quoted(campaign)) || "";
  if (!told.open) status.textContent = "Questions are closed: the page's user may write. Give the page a user that only reads.";
  place.replaceChildren(element("div", { class: "asking" },
    element("section", { class: "panel box", "aria-label": "A question in SQL" },
      element("label", { for: "sql", class: "label" }, "A question in ClickHouse's SQL"),
      box,
      element("div", { class: "run-line" }, run, element("span", { id: "hint", class: "hint" }, "Ctrl+Enter runs it. At most 1,000 rows and 10 seconds."), status),
      element("p", { class: "label" }, "Questions that run"),
      element("div", { class: "examples" }, ...examples),
      result),
    dictionary(told)));
}

async function ask(box, run, status, result) {
  if (run.disabled) return;
  run.disabled = true;
  status.textContent = "asking …";
  try {
    const told = await fetchJson("/api/sql", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ sql: box.value }),
    });
    if (told.error) {
      status.textContent = "The store did not answer it:";
      result.replaceChildren(element("p", { class: "failed" }, told.error));
    } else {
      const number = told.rows.length.toLocaleString("en-US");
      status.textContent = `${number} ${told.rows.length === 1 ? "row" : "rows"}${told.cut ? ", there are more" : ""} in ${told.seconds.toFixed(2)} s`;
      result.replaceChildren(resultTable(told));
      if (phone.matches) stackIfTooWide(result.querySelector(".scrolled"));
    }
  } catch (error) {
    status.textContent = "The page's server did not answer:";
    result.replaceChildren(element("p", { class: "failed" }, error.message));
  } finally {
    run.disabled = false;
  }
}

const isNumeric = (type) => /^(Nullable\()?(U?Int|Float|Decimal)/.test(type);

function resultTable(told) {
  const head = element("tr", {}, ...told.columns.map((name, at) =>
    element("th", { scope: "col", role: "columnheader", title: told.types[at], class: isNumeric(told.types[at]) ? "number" : null }, name)));
  const body = element("tbody", { role: "rowgroup" }, ...told.rows.map((row) => element("tr", { role: "row" }, ...row.map((value, at) =>
    element("td", { class: isNumeric(told.types[at]) ? "number" : "words", role: "cell", "data-label": told.columns[at] }, shown(value))))));
  return scrolled("Answer", tableOf("Answer", head, body));
}

function shown(value) {
  if (value === null) return NOTHING;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function dictionary(told) {
  const views = told.views.map((view) => element("details", {},
    element("summary", {}, element("code", {}, view.view), element("span", {}, view.question)),
    element("ul", {}, ...view.columns.map(([name, type, comment]) => element("li", {},
      element("code", {}, name), " ", element("span", { class: "type" }, type), comment ? ` ${comment}` : "")))));
  return element("section", { class: "panel dictionary", "aria-label": "What can be asked" },
    element("h3", {}, "What can be asked"),
    element("p", { class: "question" }, "Each view answers one question and is right at any moment. Open one to see its columns."),
    told.error ? element("p", { class: "failed" }, told.error) : null,
    element("div", { class: "views" }, ...views));
}
