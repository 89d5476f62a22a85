// Checks that cannot fail prove nothing. Here each kind of check meets what it must not let pass, and has to say what is wrong.
import { once } from 'node:events';
import http from 'node:http';
import { watch as watchAgain } from '../examples/graphql-ws-first-variables.js';
import { closeOtherwise, drop, duplicate, echoComplete, swap } from '../world/frames.js';
import { Proxy } from '../world/proxy.js';
import { OK } from '../world/result.js';
import { isCurrent } from '../report.js';
import { audit } from './audits.js';
import { CLIENTS, Viewer } from './clients.js';
import { closeCodes, exchange, exchanges } from './protocol.js';

const overWebSocket = CLIENTS.find(({ file }) => file === 'graphql-ws.js');
const overSSE = CLIENTS.find(({ file }) => file === 'eventsource.js');
/** Sends its first variables again, which hold no cursor. */
const forgetful = { watch: watchAgain };

/** What is broken, how that comes about, and what the check has to say. */
export const BROKEN = [
  ['an event is lost, over WebSocket', watched(overWebSocket, drop), /^missing: /],
  ['an event comes twice, over WebSocket', watched(overWebSocket, duplicate), /^twice: /],
  ['two events are swapped, over WebSocket', watched(overWebSocket, swap), /^missing: /],
  ['an event is lost, over server-sent events', watched(overSSE, drop), /^missing: /],
  ['an event comes twice, over server-sent events', watched(overSSE, duplicate), /^twice: /],
  ['two events are swapped, over server-sent events', watched(overSSE, swap), /^missing: /],
  ['a client forgets its cursor', watched(forgetful), /^began anew /],
  ['an event is of another bid', strangeBid, / came as .*, and was /],
  ['the server closes with 4999 for every code', wrongCodes, /^0 of them passed$/],
  ["the server echoes a client's complete", echo, /^after complete came .*"complete"/],
  ['a server answers every request with 200 and {}', wrongAnswers, /^\d+ audits are not ok$/],
  ['a page says ok where a check failed', wrongPage, /^the page is not current$/],
];

/** A viewer through a damaged network sees bids, is cut, and comes back. */
function watched(client, damage) {
  return async ({ server, lot }) => {
    const viewer = await Viewer.open(client, server, lot, damage);
    try {
      await viewer.diary.reaches(lot.version);
      await viewer.diary.reaches(await lot.bid(6));
      await viewer.idleCut();
    } finally {
      await viewer.close();
    }
  };
}

async function strangeBid({ server, lot }) {
  const viewer = await Viewer.open(overWebSocket, server, lot);
  try {
    await viewer.diary.reaches(lot.version);
    const version = await lot.bid();
    await viewer.diary.reaches(version);
    viewer.diary.check({ bids: new Map(lot.bids).set(version, { ...lot.bids.get(version), number: 0 }) });
  } finally {
    await viewer.close();
  }
}

async function wrongCodes({ server, lot }) {
  const proxy = await Proxy.open(server.url, closeOtherwise);
  try {
    const passed = await Promise.all(closeCodes.map(([name, check]) =>
      check({ server, url: proxy.url, lot }).then(() => [name], () => [])));
    throw new Error(`${passed.flat().length} of them passed`);
  } finally {
    proxy.close();
  }
}

async function echo({ server, lot }) {
  const proxy = await Proxy.open(server.url, echoComplete('quiet'));
  try {
    const [, check] = exchanges.find(([name]) => name.includes('nothing is echoed'));
    await exchange(check, { url: proxy.url, lot });
  } finally {
    proxy.close();
  }
}

async function wrongAnswers() {
  const server = http.createServer((_, response) => response.setHeader('Content-Type', 'application/json').end('{}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const rows = await audit(`http://127.0.0.1:${server.address().port}/graphql`);
    const failures = rows.filter(([, , result]) => result.failed);
    if (failures.length > 0) throw new Error(`${failures.length} audits are not ok`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

async function wrongPage() {
  const found = (result) => [{ title: 'Clients', head: ['client', 'live'], rows: [['graphql-ws', result]] }];
  const { written } = isCurrent('<!-- found --><!-- end -->', found(OK));
  if (!isCurrent(written, found(OK)).current) throw new Error('a page is not what was written to it');
  if (!isCurrent(written, found({ failed: 'gone' })).current) throw new Error('the page is not current');
}

/** The result of one row: ok where the check refused with the right words. */
export async function refusal(run, words, world) {
  try {
    await run(world);
  } catch (error) {
    return words.test(error.message) ? OK : { failed: `it was refused with: ${error.message}` };
  }
  return { failed: 'it was let pass' };
}
