// The older client, no longer maintained: new code takes graphql-ws. It also sends the object of variables again that it was
// given, as it is when the connection breaks.
import transport from 'subscriptions-transport-ws';
import WebSocket from 'ws';
import { ATTEMPTS, WATCH, moveCursor, overWebSocket } from './live.js';

/** In Node, a connection that it gives up while connecting would end the process; a browser's WebSocket says nothing. */
class QuietWebSocket extends WebSocket {
  constructor(...given) {
    super(...given);
    this.on('error', () => {});
  }
}

export function watch({ url, auctionId, cursor }, saw, ended) {
  const client = new transport.SubscriptionClient(
    overWebSocket(url), { reconnect: true, reconnectionAttempts: ATTEMPTS, minTimeout: 5000 }, QuietWebSocket);
  client.onError(() => {}); // a connection that fails: it is tried again
  const variables = { auctionId, ...cursor };
  client.request({ query: WATCH, variables }).subscribe({
    next({ data, errors }) {
      if (errors) return ended(errors);
      moveCursor(variables, data.auctionEvents);
      saw(data.auctionEvents);
    },
    error: ended,
    complete: () => ended('complete'),
  });
  return () => client.close();
}
