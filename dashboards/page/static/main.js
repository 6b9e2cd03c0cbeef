// The page: which board, for whom, and its figures every two seconds.
import { draw } from "./chart.js";
import { element, fetchJson } from "./elements.js";
import { dateText, timeOf } from "./format.js";
import * as panels from "./panels.js";
import { showQuestions } from "./questions.js";
import { fit } from "./tables.js";

const PAUSE_MS = 2000;
const SPANS = [["all", "whole appeal"], ["48h", "last 48 hours"], ["6h", "last 6 hours"], ["1h", "last hour"]];
const PATHS = { "groundswell-appeal": "/", "groundswell-influencer": "/influencer", "groundswell-pipeline": "/pipeline" };
const byId = (id) => document.getElementById(id);
const wanted = new URLSearchParams(location.search);
const known = { tags: new Map(), data: null, board: null };

const address = (uid, influencer) => {
  const asked = new URLSearchParams();
  if (picked("campaign")) asked.set("campaign", picked("campaign"));
  if (influencer) asked.set("influencer", influencer);
  if (picked("span") && picked("span") !== "all") asked.set("span", picked("span"));
  return (PATHS[uid] || `/?board=${uid}`) + (asked.size ? `?${asked}` : "");
};
const picked = (name) => wanted.get(name) || "";

async function start() {
  const boards = await fetchJson("/api/boards");
  const uid = Object.keys(PATHS).find((key) => PATHS[key] === location.pathname);
  known.board = boards.find((board) => board.uid === uid) || null;
  drawNavigation(boards);
  if (!known.board) {
    await fillPickers(["campaign"]);
    await showQuestions(byId("board"), picked("campaign"));
    byId("title").textContent = "Ask";
    byId("complete").textContent = "Your own questions in SQL; the page can only read.";
    known.data = null;
    live(true, "");
    return;
  }
  document.title = `${known.board.title} · Groundswell`;
  layOut(known.board);
  await fillPickers([...known.board.variables, "span"]);
  refresh();
}

function drawNavigation(boards) {
  const links = [...boards.map((board) => [board.title, board.uid, PATHS[board.uid]]), ["Ask in SQL", null, "/sql"]];
  byId("nav").replaceChildren(...links.map(([title, uid, path]) => element("a", {
    href: uid ? address(uid) : `/sql${picked("campaign") ? `?campaign=${encodeURIComponent(picked("campaign"))}` : ""}`,
    "aria-current": path === location.pathname ? "page" : null,
  }, title)));
}

async function fillPickers(variables) {
  const told = await fetchJson(`/api/choices?campaign=${encodeURIComponent(picked("campaign"))}`);
  // Who cannot choose a campaign here is not held to one that nobody knows.
  const stray = !variables.includes("campaign") && !told.campaign.some(({ value }) => value === picked("campaign"));
  const campaign = stray ? told.campaign[0]?.value : told.chosen.campaign;
  if (campaign) wanted.set("campaign", campaign);
  if (variables.includes("influencer") && !picked("influencer") && told.influencer.length) wanted.set("influencer", told.influencer[0].value);
  const lists = { campaign: told.campaign, influencer: told.influencer, span: SPANS.map(([value, text]) => ({ value, text })) };
  const titles = { campaign: "Campaign", influencer: "Influencer", span: "Time" };
  for (const name of variables) {
    const options = withPicked(name, lists[name]).map(({ value, text }) => element("option", { value, selected: value === (picked(name) || "all") }, text));
    const select = byId(`pick-${name}`);
    if (select) {
      if (texts(select.options) !== texts(options) && document.activeElement !== select) select.replaceChildren(...options);
      continue;
    }
    byId("pickers").append(element("label", {}, titles[name],
      element("select", { id: `pick-${name}`, onchange: (event) => pick(name, event.target.value) }, ...options)));
  }
}

const texts = (options) => JSON.stringify([...options].map((option) => option.text));

// An address may name what the store does not know (yet): the picker says so, and picks nothing else in its place.
function withPicked(name, list) {
  const value = picked(name);
  if (name === "span" || !value || list.some((known) => known.value === value)) return list;
  return [{ value, text: `${value} (not known)` }, ...list];
}

function pick(name, value) {
  wanted.set(name, value);
  if (name === "campaign") wanted.delete("influencer");
  location.search = `?${wanted}`;
}

function layOut(board) {
  const rows = board.rows.map((row) => element("section", { "aria-label": row.title },
    element("h2", {}, row.title),
    element("div", { class: "grid" }, ...row.panels.map((panel) => {
      const shown = element("article", { class: `panel ${panel.kind}`, id: `panel-${panel.id}`, "aria-labelledby": `title-${panel.id}` },
        element("h3", { id: `title-${panel.id}` }, titleOf(panel, {})),
        element("p", { class: "question" }, panel.question),
        element("div", { class: "body" }, element("p", { class: "empty" }, "…")));
      shown.style.setProperty("--width", panel.width);
      shown.style.setProperty("--height", panel.height);
      return shown;
    }))));
  byId("board").replaceChildren(...rows);
}

async function refresh() {
  const began = performance.now();
  try {
    const asked = new URLSearchParams({ campaign: picked("campaign"), influencer: picked("influencer"), span: picked("span") || "all" });
    const data = await fetchJson(`/api/board/${known.board.uid}?${asked}`);
    known.data = data;
    drawAll(data);
    trouble(data.error);
    live(!data.error, data.error ? "the store does not answer" : "");
    // Somebody new may have come, and at the very first moment nobody was there.
    if (known.board.variables.length) await fillPickers([...known.board.variables, "span"]);
  } catch (error) {
    live(false, "no answer, trying again");
    trouble(`The page's server does not answer (${error.message}). What stands here is what was known last.`);
  }
  document.body.dataset.drawn = String(Number(document.body.dataset.drawn || 0) + 1);
  document.body.dataset.took = String(Math.round(performance.now() - began));
  setTimeout(whenSeen, PAUSE_MS);
}

function whenSeen() {
  if (!document.hidden) refresh();
  else document.addEventListener("visibilitychange", refresh, { once: true });
}

function drawAll(data) {
  const clock = data.clock;
  byId("title").textContent = headline(data);
  const complete = clock.complete_up_to
    ? `Complete up to ${dateText(timeOf(clock.complete_up_to), true)} UTC`
    : "No records yet";
  // The second stays in sight beside every panel, however far down.
  for (const id of ["complete", "known"]) if (byId(id).textContent !== complete) byId(id).textContent = complete;
  const noted = JSON.stringify([data.from, data.to, clock.complete_up_to, clock.currency, data.annotations.map((told) => told?.tag)]);
  for (const row of known.board.rows) {
    for (const panel of row.panels) {
      const answer = data.panels[panel.id];
      const tag = `${answer.tag} ${answer.error || ""} ${panel.kind === "timeseries" ? noted : clock.currency}`;
      if (known.tags.get(panel.id) === tag) continue;
      known.tags.set(panel.id, tag);
      drawPanel(panel, answer, data);
    }
  }
}

function headline({ clock, error }) {
  if (!known.board.variables.length) return known.board.title;
  const missing = picked("campaign") ? `No campaign ${picked("campaign")}` : "No campaign yet";
  const campaign = clock.title || (error ? picked("campaign") : missing);
  const whose = known.board.variables.includes("influencer") && clock.title && picked("influencer");
  return whose ? `${whose} in ${campaign}` : campaign;
}

// Only charts look at the hours that are picked; what stands beside them is of the whole appeal.
function emptyText(panel) {
  const [, hours] = SPANS.find(([value]) => value === picked("span")) || SPANS[0];
  return panel.kind === "timeseries" && hours !== SPANS[0][1] ? `nothing to draw in the ${hours}` : panel.empty;
}

// A title may name one of the campaign's own windows, which the clock tells.
function titleOf(panel, clock) {
  return panel.title.replace(/\$\{(\w+)\}/g, (_, name) => clock[name] || "…");
}

function drawPanel(described, answer, data) {
  const panel = { ...described, title: titleOf(described, data.clock) };
  const shown = byId(`panel-${panel.id}`);
  byId(`title-${panel.id}`).textContent = panel.title;
  const body = shown.querySelector(".body");
  const empty = panels.isEmpty(panel, answer);
  shown.dataset.state = answer.error ? "error" : empty ? "empty" : "data";
  if (answer.error || empty) {
    body.replaceChildren(element("p", { class: answer.error ? "failed" : "empty" }, answer.error ? `cannot be shown: ${answer.error}` : emptyText(panel)));
    return;
  }
  if (panel.kind === "timeseries") {
    let place = body.querySelector(".chart");
    if (!place) {
      place = element("div", { class: "chart" });
      body.replaceChildren(place);
    }
    draw(place, panel, answer, known.board, data);
    return;
  }
  // A scrolled table stays where the reader is.
  const scrolled = body.querySelector(".scrolled");
  const [top, left, focused] = [scrolled?.scrollTop || 0, scrolled?.scrollLeft || 0, document.activeElement === scrolled];
  body.replaceChildren(...panels[panel.kind](panel, answer, data.clock.currency, address));
  fit(body);
  const anew = body.querySelector(".scrolled");
  if (anew) {
    anew.scrollTop = top;
    anew.scrollLeft = left;
    if (focused) anew.focus({ preventScroll: true });
  }
}

function live(well, text) {
  byId("live").className = `live ${well ? "well" : "ill"}`;
  const said = text || (known.board ? "live" : "ready");
  if (byId("live-text").textContent !== said) byId("live-text").textContent = said;
}

function trouble(text) {
  byId("trouble").hidden = !text;
  byId("trouble").textContent = text || "";
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  known.tags.clear();
  if (known.data) drawAll(known.data);
});

window.addEventListener("load", () => start().catch((error) => {
  live(false, "no answer");
  trouble(`The page cannot start: ${error.message}`);
}));
