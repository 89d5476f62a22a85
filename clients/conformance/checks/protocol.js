import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { WATCH, overWebSocket } from '../examples/live.js';
import { Person } from '../world/api.js';
import { within } from '../world/patience.js';
import { Socket, closeOf } from '../world/socket.js';

const INIT = { type: 'connection_init' };
const query = (id, text = '{ serverTime }') => ({ type: 'subscribe', id, payload: { query: text } });
const watch = (id, lot) => ({ type: 'subscribe', id, payload: { query: WATCH, variables: { auctionId: lot.id } } });

/** What has to end a connection: whether it is let in first, what is sent, and the code. */
const CLOSES = [
  ['a message that is no JSON', true, ['{'], 4400],
  ['a message that is no object', true, ['[]'], 4400],
  ['an unknown type of message', true, [{ type: 'start' }], 4400],
  ['a binary message', true, [Buffer.from('{"type":"ping"}')], 4400],
  ['subscribe without an id', true, [{ type: 'subscribe', payload: { query: '{ serverTime }' } }], 4400],
  ['subscribe without a query', true, [{ type: 'subscribe', id: '1', payload: {} }], 4400],
  ['connection_init with a payload that is no object', false, [{ ...INIT, payload: 'x' }], 4400],
  ['subscribe before connection_init', false, [query('1')], 4401],
  ['connection_init with an unknown token', false, [{ ...INIT, payload: { authorization: `Bearer souk_${'x'.repeat(43)}` } }], 4403],
  ['no connection_init', false, [], 4408],
  ['subscribe with an id that is in use', true, (lot) => [watch('1', lot), watch('1', lot)], 4409],
  ['a second connection_init', true, [INIT], 4429],
];

/** The checks of the close codes, as [name, check]. */
export const closeCodes = [
  ...CLOSES.map(([name, letIn, messages, code]) => [`${code}: ${name}`, async ({ url, lot }) => {
    const socket = letIn ? await Socket.hello(url) : await Socket.open(url, 'graphql-transport-ws');
    try {
      socket.send(...(typeof messages === 'function' ? messages(lot) : messages));
      let last = await socket.next();
      while (last.type === 'next') last = await socket.next(); // the first of two that have the same id is answered
      if (last.closed !== code) throw new Error(`expected a close with ${code}, got ${JSON.stringify(last)}`);
    } finally {
      socket.close();
    }
  }]),
  ...[['no subprotocol', undefined], ['an unknown subprotocol', 'mqtt']].map(([name, protocol]) => [`4406: ${name}`, async ({ url }) => {
    const { closed, reason } = await closeOf(url, protocol);
    if (closed !== 4406) throw new Error(`closed with ${closed} ${reason}`);
  }]),
  ['4401: the session is signed out', async ({ server, url }) => {
    const sami = await Person.signIn(server.url, 'sami@souk.example');
    const socket = await Socket.hello(url, { authorization: `Bearer ${sami.token}` });
    await sami.must('mutation { signOut { userErrors { code } } }');
    await socket.expect({ closed: 4401 });
  }],
  ['4403: graphql-ws hears it, and its subscription ends', async ({ url }) => {
    const client = createClient({
      url: overWebSocket(url), webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: { authorization: 'Bearer souk_nobody' },
    });
    const closed = new Promise((resolve, reject) => {
      const letIn = () => reject(new Error('it was let in'));
      client.subscribe({ query: '{ serverTime }' }, { next: letIn, error: resolve, complete: letIn });
    });
    const { code } = await within(closed, 'the close').finally(() => client.dispose());
    if (code !== 4403) throw new Error(`closed with ${code}`);
  }],
].sort(([one], [other]) => parseInt(one) - parseInt(other));

/** The checks of what happens on a connection that stays open. */
export const exchanges = [
  ['ping is answered by pong, with its payload', async ({ socket }) => {
    socket.send({ type: 'ping', payload: { of: [1] } });
    await socket.expect({ type: 'pong', payload: { of: [1] } });
  }],
  ['a query is answered by next and complete', async ({ socket }) => {
    socket.send(query('q'));
    await socket.expect({ type: 'next', id: 'q' });
    await socket.expect({ type: 'complete', id: 'q' });
  }],
  ["a client's complete is the last word: nothing is echoed, no event follows", async ({ socket, lot }) => {
    socket.send(watch('quiet', lot));
    await socket.expect({ type: 'next', id: 'quiet' });
    socket.send({ type: 'complete', id: 'quiet' });
    const meanwhile = await socket.untilPong(); // events that were on their way
    await lot.bid(3);
    const after = await socket.untilPong();
    const echo = [...meanwhile, ...after].find(({ type }) => type !== 'next') ?? after[0];
    if (echo) throw new Error(`after complete came ${JSON.stringify(echo)}`);
  }],
  ['error ends its subscription alone', async ({ socket, lot }) => {
    socket.send(watch('lives', lot));
    await socket.expect({ type: 'next', id: 'lives' });
    socket.send(query('wrong', '{ passwords }'), query('missing', 'subscription { auctionEvents(auctionId: "auc_01jzzzzzzzezzzzzzzzzzzzzzz") { version } }'));
    const failed = new Set();
    while (failed.size < 2) {
      const { type, id, payload } = await socket.next();
      if (type === 'next' && id === 'lives') continue;
      if (type !== 'error' || !Array.isArray(payload)) throw new Error(`${id}: ${type} ${JSON.stringify(payload)}`);
      failed.add(id);
    }
    await seen(socket, 'lives', await lot.bid());
    const after = await socket.untilPong();
    const more = after.find(({ id }) => failed.has(id));
    if (more) throw new Error(`after error came ${JSON.stringify(more)}`);
  }],
  ["an id is free again after the client's complete, the server's, and an error", async ({ socket, lot }) => {
    socket.send(watch('id', lot));
    await socket.expect({ type: 'next', id: 'id' });
    socket.send({ type: 'complete', id: 'id' });
    await socket.untilPong();
    socket.send(query('id', '{ passwords }'));
    await socket.expect({ type: 'error', id: 'id' });
    for (let i = 0; i < 2; i++) {
      socket.send(query('id'));
      await socket.expect({ type: 'next', id: 'id' });
      await socket.expect({ type: 'complete', id: 'id' });
    }
  }],
  ['twenty subscriptions of a connection each have every event', async ({ socket, lot }) => {
    const ids = Array.from({ length: 20 }, (_, i) => `s${i}`);
    socket.send(...ids.map((id) => watch(id, lot)));
    const last = await lot.bid(3);
    const at = new Map();
    while (ids.some((id) => !(at.get(id) >= last))) {
      const { type, id, payload } = await socket.next();
      const version = payload?.data?.auctionEvents?.version;
      if (type !== 'next' || (at.has(id) && version !== at.get(id) + 1)) {
        throw new Error(`${id}: ${type} ${JSON.stringify(payload)} after version ${at.get(id)}`);
      }
      at.set(id, version);
    }
  }],
];

/** Reads until a subscription has had a version. */
async function seen(socket, wanted, version) {
  for (;;) {
    const { id, type, payload } = await socket.next();
    if (type !== 'next') throw new Error(`${id}: ${type}`);
    if (id === wanted && payload.data.auctionEvents.version >= version) return;
  }
}

/** Runs a check of exchanges on a connection of its own. */
export async function exchange(check, { url, lot }) {
  const socket = await Socket.hello(url);
  try {
    await check({ socket, lot });
  } finally {
    socket.close();
  }
}
