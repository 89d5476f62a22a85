// What this window has learnt from answers: ids, and people who signed in.
import { remember } from './ids.js';
import { learn } from './identities.js';
import { createStore } from './store.js';

export const known = createStore({}, 'souk:ids');

export function observe(answer, options) {
  if (answer?.data?.__schema) return;
  learn(answer);
  const next = remember(known.get(), answer?.data, options);
  if (next !== known.get()) known.set(next);
}

// prefer makes an id the one that placeholders stand for.
export function prefer(kind, id) {
  known.set((all) => ({ ...all, [kind]: [id, ...all[kind].filter((other) => other !== id)] }));
}
