import { Diary } from '../world/diary.js';
import { endAsLagging } from '../world/frames.js';
import { Proxy } from '../world/proxy.js';
import { resultOf } from '../world/result.js';

/** The clients: how each is called, the packages that it is made of, its example, and what its network does to it. */
export const CLIENTS = [
  ['graphql-ws', ['graphql-ws'], 'graphql-ws.js'],
  ['graphql-ws, with its first variables again', ['graphql-ws'], 'graphql-ws-first-variables.js'],
  ['graphql-ws, and every third bid LAGGING', ['graphql-ws'], 'keep-watching.js', endAsLagging],
  ['graphql-sse, distinct connections', ['graphql-sse'], 'graphql-sse.js'],
  ['graphql-sse, single connection', ['graphql-sse'], 'graphql-sse-single.js'],
  ['Apollo Client, GraphQLWsLink', ['@apollo/client', 'graphql-ws'], 'apollo.js'],
  ['urql, subscriptionExchange', ['@urql/core', 'graphql-ws'], 'urql.js'],
  ["Relay's runtime, Network", ['relay-runtime', 'graphql-ws'], 'relay.js'],
  ['subscriptions-transport-ws', ['subscriptions-transport-ws'], 'subscriptions-transport-ws.js'],
  ['EventSource, by Last-Event-ID', ['eventsource'], 'eventsource.js'],
].map(([name, packages, file, damage]) => ({ name, packages, file, damage, remembersFirst: file.includes('first-variables') }));

/** A viewer of a lot, by one of the clients, through a proxy of its own. */
export class Viewer {
  static async open(client, server, lot, damage = client.damage) {
    const viewer = new Viewer();
    viewer.lot = lot;
    const { watch } = client.watch ? client : await import(`../examples/${client.file}`);
    const after = client.remembersFirst ? lot.version : undefined;
    viewer.diary = new Diary({ after });
    viewer.proxy = await Proxy.open(server.url, damage);
    viewer.stop = watch(
      { url: viewer.proxy.url, auctionId: lot.id, cursor: after && { afterVersion: after } },
      (event) => viewer.diary.note(event),
      (why) => viewer.closed || viewer.diary.ended(why));
    return viewer;
  }

  /** Each bid arrives before the next is placed. */
  async live() {
    for (let i = 0; i < 3; i++) await this.diary.reaches(await this.lot.bid());
    this.diary.check(this.lot);
  }

  /** The connection is cut, bids go on, and the client comes back to what it has missed. */
  async idleCut() {
    this.cut();
    const missed = await this.lot.bid(3);
    if (this.diary.version >= missed) throw new Error('the cut was none: its bids were seen');
    await this.comesBack(missed);
  }

  /** The connection is reset while events are on their way. */
  async burstCut() {
    const burst = this.lot.bid(10);
    await this.diary.reaches(this.diary.version + 3);
    this.cut({ reset: true });
    await this.comesBack(await burst);
  }

  /** The server stops in order and is started again. */
  async restart(restarted) {
    this.expectReturn();
    await restarted;
    await this.comesBack(this.lot.version);
  }

  cut(how) {
    this.expectReturn();
    this.proxy.cut(how);
  }

  expectReturn() {
    this.before = this.proxy.connections;
    this.diary.cut();
  }

  async comesBack(version) {
    this.proxy.mend();
    await this.diary.reaches(version);
    await this.live();
    if (this.proxy.connections === this.before) throw new Error('it did not connect again');
    if (this.diary.after !== undefined && this.diary.known === 0) throw new Error('its first variables were not sent again');
  }

  async close() {
    this.closed = true;
    await this.stop();
    this.proxy.close();
  }
}

/** Crowd is a viewer by each client, all of one lot; results are those of each one's stages. */
export class Crowd {
  static async open(server, lot) {
    const crowd = new Crowd();
    crowd.results = CLIENTS.map(() => []);
    crowd.viewers = await Promise.all(CLIENTS.map((client) => Viewer.open(client, server, lot)));
    return crowd;
  }

  /** Plays a stage of Viewer with all of them. Who has failed before has failed in what follows. */
  async play(stage, ...given) {
    await Promise.all(this.viewers.map(async (viewer, i) => {
      const before = this.results[i].find(({ failed }) => failed);
      this.results[i].push(before ?? await resultOf(() => viewer[stage](...given)));
    }));
  }

  async playAll(stages) {
    for (const stage of stages) await this.play(stage);
  }

  async close() {
    await Promise.all(this.viewers.map((viewer) => viewer.close()));
  }
}
