// Subscriptions: one stream for each, its newest events first. A stream outlives the tab that
// started it: leaving the tab hands it to the strip under the response.
import { createClient } from 'graphql-ws';
import { endpoint } from './config.js';
import { isUnauthenticated } from './http.js';
import { observe } from './known.js';
import { createStore } from './store.js';

const shown = 20;

export const background = createStore([]); // streams that go on without their tab

// A client carries one identity for its whole life, so there is one for each.
const clients = new Map();

function clientFor(authorization) {
  const key = authorization ?? '';
  if (!clients.has(key)) {
    clients.set(key, createClient({
      url: new URL(endpoint, location.href).href.replace(/^http/, 'ws'),
      connectionParams: authorization ? { authorization } : {},
      keepAlive: 15_000,
      retryAttempts: 20,
      shouldRetry: (event) => !refusesUs(event), // also after an unclean cut, not only a clean close
    }));
  }
  return clients.get(key);
}

let count = 0;

// open starts a subscription. The stream says when it changes; stop ends it.
export function open(payload, { authorization, actor, tab }) {
  const listeners = new Set();
  const stream = {
    id: ++count,
    title: payload.operationName ?? 'subscription',
    actor,
    tab,
    status: 'waiting for the first event',
    received: 0,
    events: [],
    open: true,
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const change = (fields) => {
    Object.assign(stream, fields);
    for (const listener of listeners) listener();
    if (background.get().includes(stream)) background.set((all) => [...all]);
  };
  const add = (event) => {
    const number = stream.received + 1;
    const events = [{ '#': number, at: clock(), ...event }, ...stream.events].slice(0, shown);
    change({ received: number, events, status: 'live' });
  };

  const client = clientFor(authorization);
  const unsubscribe = client.subscribe(payload, {
    next(result) {
      advance(payload.variables, result.data);
      observe(result, { isEvent: true });
      if (isUnauthenticated(result)) change({ unauthenticated: true });
      add(result);
    },
    error: (error) => change({
      open: false,
      unauthenticated: refusesUs(error),
      status: `ended: ${reason(error)}`,
      errors: Array.isArray(error) ? error : undefined,
    }),
    complete: () => change({ open: false, status: stream.open ? 'completed by the server' : stream.status }),
  });
  const offs = [
    client.on('closed', () => stream.open && change({ status: 'connection lost, trying again' })),
    client.on('connected', (_socket, _payload, again) => again && change({ status: 'connected again' })),
  ];
  stream.stop = () => {
    for (const off of offs) off();
    if (stream.open) change({ open: false, status: 'stopped' });
    unsubscribe();
  };
  return stream;
}

// view is a stream as the response pane shows it.
export const view = ({ status, received, events, errors }) => ({
  live: `${status}${received ? `; ${received} event${received === 1 ? '' : 's'}, newest first` : ''}`,
  ...(errors ? { errors } : {}),
  events,
});

// iterate gives GraphiQL a stream as an async iterable of views. Slow readers get the newest view
// alone. `released` hears that GraphiQL let go of a stream that is still open.
export function iterate(stream, released) {
  let wake = () => {};
  let done = false;
  let seen = false;
  const off = stream.watch(() => {
    seen = false;
    wake();
  });
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (seen && stream.open && !done) await new Promise((resolve) => { wake = resolve; });
      if (done || seen) {
        off();
        return { done: true, value: undefined };
      }
      seen = true;
      return { done: false, value: view(stream) };
    },
    async return() {
      done = true;
      off();
      wake();
      if (stream.open) released(stream);
      return { done: true, value: undefined };
    },
  };
}

export function keepInBackground(stream) {
  background.set((all) => [stream, ...all]);
}

export function dismiss(stream) {
  stream.stop();
  background.set((all) => all.filter((other) => other !== stream));
}

// advance moves afterVersion on with what was seen, so that a reconnection, which sends the
// variables again, resumes where it was cut.
function advance(variables, data) {
  if (!variables || !('afterVersion' in variables)) return;
  for (const field of Object.values(data ?? {})) {
    if (Number.isInteger(field?.version)) variables.afterVersion = field.version;
  }
}

// refusesUs tells that the token is not, or no longer, good: 4401 and 4403 close the socket.
const refusesUs = (error) => [4401, 4403].includes(error?.code) || isUnauthenticated({ errors: error });

function reason(error) {
  if (Array.isArray(error)) return error.map(({ message }) => message).join(' ');
  if (typeof error?.code === 'number') return `closed with ${error.code} ${error.reason ?? ''}`.trim();
  return error?.message ?? 'the connection failed';
}

const clock = () => new Date().toLocaleTimeString('en-GB', { hour12: false }) + `.${String(Date.now() % 1000).padStart(3, '0')}`;
