import { WATCH } from '../examples/live.js';
import { within } from '../world/patience.js';

const STREAM = 'text/event-stream';
const TOKEN = 'X-GraphQL-Event-Stream-Token';

/** Events is the stream of a response, event by event. */
class Events {
  #text = '';

  constructor(response) {
    if (response.status !== 200 || !response.headers.get('Content-Type').startsWith(STREAM)) {
      throw new Error(`no stream: ${response.status} ${response.headers.get('Content-Type')}`);
    }
    this.reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next event's name, id and data; undefined at the stream's end. */
  async next() {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end < 0) {
        const { done, value } = await within(this.reader.read(), 'an event comes');
        if (done) return undefined;
        this.#text += value;
        continue;
      }
      const fields = Object.fromEntries(this.#text.slice(0, end).split('\n').map((line) => line.split(/: ?(.*)/s, 2)));
      this.#text = this.#text.slice(end + 2);
      if (fields.event) return { ...fields, data: fields.data ? JSON.parse(fields.data) : undefined }; // else it is a sign of life
    }
  }

  async expect(event) {
    const came = await this.next();
    if (came?.event !== event) throw new Error(`expected ${event}, got ${JSON.stringify(came)}`);
    return came;
  }
}

/** Requests of one client, which all end with the check. */
const requests = (url, signal) => ({
  post: (body, headers) => fetch(url, { method: 'POST', signal, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) }),
  ask: (method, search, headers) => fetch(`${url}${search}`, { method, signal, headers }),
});

const inSearch = (query, extensions) => `?${new URLSearchParams({ query, ...(extensions && { extensions: JSON.stringify(extensions) }) })}`;

async function status(wanted, response) {
  const { status: got } = await response;
  if (got !== wanted) throw new Error(`expected status ${wanted}, got ${got}`);
}

/** The checks of graphql-sse's protocol, as [name, check]. */
export const streams = [
  ['a query is answered by next and complete, and the stream ends', async ({ post }) => {
    const events = new Events(await post({ query: '{ serverTime }' }, { Accept: STREAM }));
    await events.expect('next');
    await events.expect('complete');
    if (await events.next()) throw new Error('something came after complete');
  }],
  ['an invalid document is answered by next with errors, and complete', async ({ post }) => {
    const events = new Events(await post({ query: '{ passwords }' }, { Accept: STREAM }));
    const { data } = await events.expect('next');
    if (!data.errors?.length) throw new Error(`no errors in ${JSON.stringify(data)}`);
    await events.expect('complete');
  }],
  ['Last-Event-ID goes on behind that event, whatever the variables say', async ({ post }, lot) => {
    const watch = { query: WATCH, variables: { auctionId: lot.id } };
    const { id, data } = await new Events(await post(watch, { Accept: STREAM })).expect('next');
    await lot.bid(2);
    const { data: after } = await new Events(await post(watch, { Accept: STREAM, 'Last-Event-ID': id })).expect('next');
    const [was, is] = [data, after].map((answer) => answer.data.auctionEvents.version);
    if (is !== was + 1) throw new Error(`after version ${was} came ${is}`);
  }],
  ['405: a mutation by GET, for a stream or on one', async ({ ask }) => {
    const mutation = inSearch('mutation { signOut { userErrors { code } } }', { operationId: 'm' });
    await status(405, ask('GET', mutation, { Accept: STREAM }));
    const { token } = await reserve(ask);
    await status(405, ask('GET', mutation, { [TOKEN]: token }));
  }],
  ['404: a token that nobody was given', async ({ post, ask }) => {
    await status(404, ask('GET', '', { Accept: STREAM, [TOKEN]: 'garbage' }));
    await status(404, post({ query: '{ serverTime }', extensions: { operationId: '1' } }, { [TOKEN]: 'garbage' }));
  }],
  ['409: a stream that is open is opened again', async ({ ask }) => {
    const { token } = await reserve(ask);
    await status(409, ask('GET', '', { Accept: STREAM, [TOKEN]: token }));
  }],
  ['400 without an operation id, 409 with one that is in use, 202 and events with its own', async ({ post, ask }, lot) => {
    const { token, events } = await reserve(ask);
    const start = (extensions) => post({ query: WATCH, variables: { auctionId: lot.id }, extensions }, { [TOKEN]: token });
    await status(400, start());
    await status(202, start({ operationId: 'one' }));
    const { data } = await events.expect('next');
    if (data.id !== 'one' || !data.payload.data) throw new Error(`got ${JSON.stringify(data)}`);
    await status(409, start({ operationId: 'one' }));
  }],
  ['DELETE ends an operation: nothing is said of it any more, and its id is free', async ({ post, ask }, lot) => {
    const { token, events } = await reserve(ask);
    const start = (query, operationId) => post({ query, variables: { auctionId: lot.id }, extensions: { operationId } }, { [TOKEN]: token });
    await status(202, start(WATCH, 'one'));
    await events.expect('next');
    await status(200, ask('DELETE', '?operationId=one', { [TOKEN]: token }));
    const onItsWay = lot.version + 1;
    await lot.bid(2);
    await status(202, start('{ serverTime }', 'one'));
    let came = await events.next();
    while (came.data.payload?.data.auctionEvents?.version <= onItsWay) came = await events.next();
    if (came.event !== 'next' || !came.data.payload.data.serverTime) throw new Error(`got ${JSON.stringify(came)}`);
  }],
];

/** A single connection's stream, reserved and opened. */
async function reserve(ask) {
  const reserved = await ask('PUT', '');
  if (reserved.status !== 201) throw new Error(`reserved with ${reserved.status}`);
  const token = await reserved.text();
  return { token, events: new Events(await ask('GET', '', { Accept: STREAM, [TOKEN]: token })) };
}

/** Runs a check of streams, and ends the requests that it has left open. */
export async function stream(check, { url, lot }) {
  const all = new AbortController();
  try {
    await check(requests(url, all.signal), lot);
  } finally {
    all.abort();
  }
}
