// Values as people read them.  A percent is a part of 1; money is decimal text; times are UTC.

export const NOTHING = "–";
const LOCALE = "en-US";
const count = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const plain = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 });
const three = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 3 });
const moneys = new Map();

export function isNumber(unit) {
  return !["text", "datetime"].includes(unit);
}

export function numberOf(value) {
  return value === null || value === undefined || value === "" ? null : Number(value);
}

export function timeOf(text) {
  // "2026-03-12 18:00:00" or with milliseconds, in UTC.
  return new Date(`${String(text).replace(" ", "T")}Z`);
}

export function isoOf(text) {
  return String(text).replace(" ", "T");
}

export function dateText(date, withYear = false) {
  const options = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" };
  return new Intl.DateTimeFormat("en-GB", withYear ? { ...options, year: "numeric" } : options).format(date);
}

export function money(value, currency) {
  if (!moneys.has(currency)) {
    const known = /^[A-Z]{3}$/.test(currency || "");
    const style = known ? { style: "currency", currency, currencyDisplay: "narrowSymbol" } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
    moneys.set(currency, new Intl.NumberFormat(LOCALE, style));
  }
  return moneys.get(currency).format(value);
}

function span(seconds) {
  const whole = Math.round(Math.abs(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.round(whole / 60)} min`;
  const minutes = Math.round(whole / 60);
  const days = Math.floor(minutes / 1440), hours = Math.floor((minutes % 1440) / 60);
  if (days > 0) return hours ? `${days} d ${hours} h` : `${days} d`;
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

export function format(value, unit, currency) {
  if (value === null || value === undefined || value === "") return NOTHING;
  if (unit === "text") return String(value);
  if (unit === "datetime") return dateText(timeOf(value));
  const number = Number(value);
  if (Number.isNaN(number)) return String(value);
  switch (unit) {
    case "count": return count.format(number);
    case "percent": {
      const percent = 100 * number;
      return `${percent.toFixed(Math.abs(percent) >= 99.95 ? 0 : Math.abs(percent) >= 10 ? 1 : 2)} %`;
    }
    case "money": return money(value, currency);
    case "seconds": return span(number);
    case "minutes": return span(60 * number);
    case "hours": return `${number.toFixed(Math.abs(number) < 100 ? 1 : 0)} h`;
    case "per_million": return three.format(number);
    default: return plain.format(number);
  }
}

// The threshold that a number has reached, or the colour of a word; null where there is none.
export function judged(value, { thresholds = [], words = [] }) {
  if (value === null || value === undefined || value === "") return null;
  const word = words.find((candidate) => candidate.text === value);
  if (word) return { colour: word.colour, word: null };
  let reached = null;
  for (const threshold of thresholds) {
    if (threshold.value === null || Number(value) >= threshold.value) reached = threshold;
  }
  return reached;
}
