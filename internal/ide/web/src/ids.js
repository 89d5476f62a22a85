// The newest id of each kind (lst_…, auc_…, ord_…) that any answer held, and the placeholders in an
// example's variables that stand for them. Free of the DOM and of React, so that node can test it.

const idPattern = /^([a-z]{2,8})_[0-9a-hjkmnp-tv-z]{26}$/;
const placeholderPattern = /\{\{\s*([a-z]+)\s*(?:\+\s*(\d+)s\s*)?\}\}/g;
const remembered = 8;

// idsIn lists the ids in an answer, each once, in the order in which they stand in it.
export function idsIn(value, found = new Set()) {
  if (typeof value === 'string') {
    if (idPattern.test(value)) found.add(value);
  } else if (value && typeof value === 'object') {
    for (const child of Object.values(value)) idsIn(child, found);
  }
  return [...found];
}

// remember puts an answer's ids in front of those known. Within one answer the first of a kind is
// the one it is about (a list's newest entry, a payload's entity). An event moves on to younger
// things only, since a stream may begin with the past; ids sort by the time they were made at.
export function remember(known, answer, { isEvent = false } = {}) {
  const fresh = {};
  for (const id of idsIn(answer)) {
    const kind = id.match(idPattern)[1];
    if (isEvent && id <= (known[kind]?.[0] ?? '')) continue;
    (fresh[kind] ??= []).push(id);
  }
  if (Object.keys(fresh).length === 0) return known;
  const next = { ...known };
  for (const [kind, ids] of Object.entries(fresh)) {
    next[kind] = [...new Set([...ids, ...(known[kind] ?? [])])].slice(0, remembered);
  }
  return next;
}

// fill replaces {{lst}} by the newest listing's id, and so on, wherever one is known. {{key}}, a
// fresh idempotency key, and {{now+60s}}, a time, are made at the last moment: only when live.
export function fill(value, known, live = null) {
  if (typeof value === 'string') {
    return value.replace(placeholderPattern, (whole, name, seconds) => {
      if (name === 'key') return live ? live.key() : whole;
      if (name === 'now') return live ? new Date(live.now() + 1000 * Number(seconds ?? 0)).toISOString() : whole;
      return known[name]?.[0] ?? whole;
    });
  }
  if (Array.isArray(value)) return value.map((child) => fill(child, known, live));
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([k, child]) => [k, fill(child, known, live)]));
  }
  return value;
}

// missing lists the placeholders that nothing has filled.
export function missing(value) {
  return [...new Set(JSON.stringify(value ?? null).match(placeholderPattern) ?? [])];
}
