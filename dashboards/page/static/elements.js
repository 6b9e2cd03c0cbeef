// Elements from plain values.  Text is always text: nothing that came from the store is read as HTML.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") made.className = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export async function fetchJson(address, options = {}) {
  const reply = await fetch(address, { cache: "no-cache", ...options });
  const told = (reply.headers.get("content-type") || "").startsWith("application/json") ? await reply.json() : null;
  if (told === null) throw new Error(`${reply.status} ${(await reply.text()).trim()}`);
  return told;
}
