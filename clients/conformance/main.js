// Souk's server against graphql-http's audits, graphql-transport-ws, and the clients that people use: make conformance.
import { readFile, writeFile } from 'node:fs/promises';
import { audit } from './checks/audits.js';
import { BROKEN, refusal } from './checks/broken.js';
import { CLIENTS, Crowd } from './checks/clients.js';
import { closeCodes, exchange, exchanges } from './checks/protocol.js';
import { stream, streams } from './checks/streams.js';
import { isCurrent, print, versionsOf } from './report.js';
import { Lot } from './world/lot.js';
import { resultOf } from './world/result.js';
import { Server } from './world/server.js';

const PAGE = new URL('../../docs/conformance.md', import.meta.url);

const server = await Server.start();
try {
  await report(await findOut());
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await server.stop();
}

/** Prints what was found and compares it with the page, which UPDATE=1 writes. */
async function report(groups) {
  const failed = print(groups);
  const page = await readFile(PAGE, 'utf8');
  const { current, written } = isCurrent(page, groups);
  if (current) console.log('docs/conformance.md says so.');
  else if (process.env.UPDATE) {
    await writeFile(PAGE, written);
    console.log('docs/conformance.md is written anew.');
  } else console.log('docs/conformance.md says something else; UPDATE=1 make conformance writes it anew.');
  console.log(failed ? `${failed} checks FAILED.` : 'Every check is ok.');
  if (failed || !(current || process.env.UPDATE)) process.exitCode = 1;
}

async function findOut() {
  const lot = await Lot.open(server.url);
  const world = { server, lot, url: server.url };
  const crowd = await Crowd.open(server, lot);
  try {
    const [audits, closes, said, streamed, broken] = await Promise.all([
      audit(server.url),
      Promise.all(closeCodes.map(async ([name, check]) => [name, await resultOf(() => check(world))])),
      Promise.all(exchanges.map(async ([name, check]) => [name, await resultOf(() => exchange(check, world))])),
      Promise.all(streams.map(async ([name, check]) => [name, await resultOf(() => stream(check, world))])),
      Promise.all(BROKEN.map(async ([name, run, words]) => [name, await refusal(run, words, world)])),
      crowd.playAll(['live', 'idleCut', 'burstCut']),
    ]);
    const restarted = server.restart();
    await crowd.play('restart', restarted);
    await restarted;
    const versions = await versionsOf(['graphql-http', ...CLIENTS.flatMap(({ packages }) => packages)]);
    return [
      {
        title: 'Clients',
        head: ['client', 'packages', 'live', 'cut', 'reset', 'restart'],
        rows: CLIENTS.map(({ name, packages }, i) => [name, packages.map((p) => `${p} ${versions[p]}`).join(', '), ...crowd.results[i]]),
      },
      { title: 'graphql-transport-ws: close codes', head: ['what ends a connection', 'result'], rows: closes },
      { title: 'graphql-transport-ws: messages', head: ['what holds', 'result'], rows: said },
      { title: 'graphql-sse: both modes', head: ['what holds', 'result'], rows: streamed },
      { title: `GraphQL over HTTP: the audits of graphql-http ${versions['graphql-http']}`, head: ['id', 'audit', 'result'], rows: audits },
      { title: 'What the checks have to find', head: ['what is broken', 'it is found'], rows: broken },
    ];
  } finally {
    await crowd.close();
  }
}
