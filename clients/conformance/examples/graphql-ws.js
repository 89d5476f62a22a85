// graphql-ws connects again by itself and sends the same payload, so the payload's variables are kept up to date.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { ATTEMPTS, WATCH, aMoment, moveCursor, overWebSocket } from './live.js';

export function watch({ url, auctionId, cursor }, saw, ended) {
  const client = createClient({
    url: overWebSocket(url),
    webSocketImpl: WebSocket, // a browser has its own
    retryAttempts: ATTEMPTS,
    retryWait: aMoment,
    shouldRetry: () => true,
    // connectionParams: { authorization: 'Bearer souk_…' }, for what is not public
  });
  const variables = { auctionId, ...cursor };
  client.subscribe({ query: WATCH, variables }, {
    next({ data, errors }) {
      if (errors) return ended(errors);
      moveCursor(variables, data.auctionEvents);
      saw(data.auctionEvents);
    },
    error: ended, // LAGGING, DRAINING …: wait a moment, and watch again from the last event
    complete: () => ended('complete'),
  });
  return () => client.dispose();
}
