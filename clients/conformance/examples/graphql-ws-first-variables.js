// Where nobody moves the cursor, a library that reconnects sends the first variables again. The events since then come once
// more: whoever drops the versions that were seen has every one once. The first variables need a cursor for that; without
// one the subscription begins anew, with a SNAPSHOT. The version of the auction that the page was drawn from is one.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { ATTEMPTS, WATCH, aMoment, overWebSocket } from './live.js';

export function watch({ url, auctionId, cursor }, saw, ended) {
  const client = createClient({
    url: overWebSocket(url),
    webSocketImpl: WebSocket,
    retryAttempts: ATTEMPTS,
    retryWait: aMoment,
    shouldRetry: () => true,
  });
  client.subscribe({ query: WATCH, variables: { auctionId, ...cursor } }, {
    next: ({ data, errors }) => (errors ? ended(errors) : saw(data.auctionEvents)), // saw drops what it knows
    error: ended,
    complete: () => ended('complete'),
  });
  return () => client.dispose();
}
