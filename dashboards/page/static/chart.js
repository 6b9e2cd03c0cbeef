// Lines over time, drawn by plotly; moments and stretches that people or the detector noted stand behind them.
import { dateText, format, isoOf, numberOf, timeOf } from "./format.js";

const OPEN_STATES = new Set(["slow", "stalled", "no_traffic", "feed_down"]);
const TAG_COLOURS = { slow: "amber", no_traffic: "amber", stalled: "red", feed_down: "red" };
const CONFIG = { displayModeBar: false, showTips: false };
// Not plotly's own watch: that is the window's, and a panel also grows with what stands beside it.
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target.data && target.clientWidth) window.Plotly.Plots.resize(target);
});

// Lines of an answer: one a number column, or one a value of the text column between time and number.
export function linesOf(panel, answer) {
  const [, second] = answer.types;
  const long = answer.columns.length === 3 && /String/.test(second || "");
  if (!long) {
    return answer.columns.slice(1).map((name, at) => ({
      name,
      title: panel.columns.find((column) => column.name === name)?.title || name,
      times: answer.rows.map((row) => isoOf(row[0])),
      values: answer.rows.map((row) => numberOf(row[at + 1])),
    }));
  }
  const lines = new Map();
  for (const [time, name, value] of answer.rows) {
    if (!lines.has(name)) lines.set(name, { name, title: name, times: [], values: [] });
    lines.get(name).times.push(isoOf(time));
    lines.get(name).values.push(numberOf(value));
  }
  return [...lines.values()].sort((one, other) => one.name.localeCompare(other.name));
}

// What the chart says, for who does not see it: its title and the newest value of each line.
export function spoken(panel, lines, currency) {
  const newest = lines.map((line) => {
    for (let at = line.values.length - 1; at >= 0; at -= 1) {
      if (line.values[at] !== null) return `${line.title} ${format(line.values[at], panel.unit, currency)} at ${dateText(timeOf(line.times[at]))}`;
    }
    return `${line.title} not known`;
  });
  return `${panel.title}: ${newest.join(", ")}`;
}

export function draw(place, panel, answer, board, data) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const currency = data.clock.currency;
  const lines = linesOf(panel, answer);
  const { traces, used } = tracesOf(panel, lines, currency, colour);
  const from = new Date(data.from).toISOString().slice(0, -1), to = new Date(data.to).toISOString().slice(0, -1);
  const { shapes, markers } = noted(board, data, colour, from, to, place.clientWidth);
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", spoken(panel, lines, currency));
  const axis = { gridcolor: colour("line"), linecolor: colour("line"), zeroline: false, fixedrange: true, tickfont: { size: 11 } };
  const layout = {
    margin: { l: 8, r: 10, t: used > 1 ? 26 : 10, b: 8 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: style.fontFamily, size: 12, color: colour("quiet") },
    xaxis: { ...axis, type: "date", range: [from, to], automargin: true, showgrid: false, tickformatstops: ticks(), nticks: place.clientWidth < 480 ? 4 : 9 },
    yaxis: { ...axis, rangemode: "tozero", automargin: true, nticks: 5, ...numbers(panel.unit, currency) },
    yaxis2: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 11 }, itemclick: false, itemdoubleclick: false },
    showlegend: used > 1, hovermode: "x unified", dragmode: false, shapes, uirevision: "kept",
    hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line"), font: { color: colour("ink"), size: 12 } },
  };
  watcher.observe(place);
  return window.Plotly.react(place, markers ? [...traces, markers] : traces, layout, CONFIG);
}

// A pair `..._low`, `..._high` is a band; every other line is a line.
function tracesOf(panel, lines, currency, colour) {
  const palette = ["blue", "teal", "amber", "violet", "grey"];
  const traces = [];
  let used = 0;
  for (const line of lines) {
    const low = /_low$/.test(line.name), high = /_high$/.test(line.name);
    const text = line.values.map((value) => said(value, panel.unit, currency));
    const trace = {
      type: "scatter", mode: line.times.length === 1 ? "markers" : "lines", x: line.times, y: line.values, text, name: line.title,
      hovertemplate: `${line.title.replaceAll("<", "&lt;")} %{text}<extra></extra>`, connectgaps: false,
    };
    if (low || high) {
      traces.push({ ...trace, line: { width: 0, color: colour("blue") }, showlegend: false });
      if (high) {
        const lower = lines.find((other) => other.name === line.name.replace(/_high$/, "_low"));
        if (lower) traces.push(bandOf(lower, line, colour("band")));
      }
      continue;
    }
    const name = /^(even_pace|goal)$/.test(line.name) ? "grey" : palette[used % palette.length];
    const dash = { even_pace: "dash", goal: "dot" }[line.name] || "solid";
    traces.push({ ...trace, line: { width: name === "grey" ? 1.5 : 2, color: colour(name), dash } });
    used += 1;
  }
  // The band first, so that it lies behind.
  traces.sort((one, other) => Number(one.showlegend !== false) - Number(other.showlegend !== false));
  return { traces, used };
}

// A rate far below a percent, of viewers say, is told for a million, as tables do.
function said(value, unit, currency) {
  const isTiny = unit === "percent" && value && Math.abs(value) < 0.001;
  return isTiny ? `${Number((value * 1e6).toPrecision(3))} per million` : format(value, unit, currency);
}

// A polygon for each stretch in which both ends are known: plotly's fill between two lines would span what lies between.
function bandOf(low, high, fillcolor) {
  const x = [], y = [];
  let stretch = [];
  const close = () => {
    const back = [...stretch].reverse();
    if (stretch.length > 1) {
      x.push(...stretch.map((at) => high.times[at]), ...back.map((at) => high.times[at]), null);
      y.push(...stretch.map((at) => high.values[at]), ...back.map((at) => low.values[at]), null);
    }
    stretch = [];
  };
  high.values.forEach((value, at) => {
    if (value === null || low.values[at] === null) close();
    else stretch.push(at);
  });
  close();
  return { type: "scatter", mode: "lines", x, y, line: { width: 0 }, fill: "toself", fillcolor, hoverinfo: "skip", showlegend: false };
}

// What is right of the time up to which figures are complete is still on its way, or yet to happen.
function notYet(complete, from, to, width, colour) {
  if (!complete || isoOf(complete) >= to) return null;
  const begins = isoOf(complete) > from ? isoOf(complete) : from;
  const pixels = width * (timeOf(to) - timeOf(begins)) / (timeOf(to) - timeOf(from));
  return {
    type: "rect", xref: "x", yref: "paper", x0: begins, x1: to, y0: 0, y1: 1, fillcolor: colour("grey"), opacity: 0.1,
    line: { width: 0 }, layer: "below", name: "not complete yet",
    // The words would stick out of a narrower stretch and cover what is known.
    label: { text: pixels > 130 ? "not complete yet" : "", textposition: "top right", font: { size: 10, color: colour("quiet") } },
  };
}

function noted(board, data, colour, from, to, width) {
  const unknown = notYet(data.clock.complete_up_to, from, to, width, colour);
  const shapes = unknown ? [unknown] : [], x = [], text = [], colours = [];
  board.annotations.forEach((kind, at) => {
    const told = data.annotations[at];
    for (const row of told?.rows || []) {
      const [time, end, said, tags] = ["time", "timeEnd", "text", "tags"].map((name) => row[told.columns.indexOf(name)]);
      const tag = String(tags ?? "");
      const shade = colour(TAG_COLOURS[tag] || kind.colour);
      const until = end ? isoOf(end) : OPEN_STATES.has(tag) ? to : null;
      const begins = isoOf(time);
      shapes.push(until
        ? { type: "rect", xref: "x", yref: "paper", x0: begins, x1: until, y0: 0, y1: 1, fillcolor: shade, opacity: 0.14, line: { width: 0 }, layer: "below" }
        : { type: "line", xref: "x", yref: "paper", x0: begins, x1: begins, y0: 0, y1: 1, line: { color: shade, width: 1, dash: "dot" }, layer: "below" });
      x.push(begins);
      text.push(wrapped(`${tag.replaceAll("_", " ")}: ${String(said ?? "")}`));
      colours.push(shade);
    }
  });
  if (!x.length) return { shapes, markers: null };
  return {
    shapes,
    markers: { type: "scatter", mode: "markers", x, y: x.map(() => 1), yaxis: "y2", text, hovertemplate: "%{text}<extra></extra>",
      marker: { symbol: "triangle-down", size: 9, color: colours }, showlegend: false, cliponaxis: false, name: "noted" },
  };
}

// Plotly reads a little HTML in hover texts: what people wrote is text.
function wrapped(said) {
  const safe = said.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return safe.replace(/(.{1,60})(\s|$)/g, "$1<br>").replace(/<br>$/, "");
}

function ticks() {
  return [
    { dtickrange: [null, 86400000 - 1], value: "%H:%M\n%-d %b" },
    { dtickrange: [86400000, null], value: "%-d %b" },
  ];
}

function numbers(unit, currency) {
  if (unit === "percent") return { tickformat: ".3~p" };
  if (unit === "money") {
    const sample = format(0, "money", currency);
    const symbol = sample.replace(/[\d.,\s]/g, "");
    return { tickprefix: /^\d/.test(sample) ? "" : symbol, tickformat: ",~r" };
  }
  return { tickformat: ",~r" };
}
