// graphql-sse, a request for each subscription. It asks again by itself and sends the request as it is then, so the request's
// variables are kept up to date.
import { createClient } from 'graphql-sse';
import { ATTEMPTS, WATCH, aMoment, moveCursor } from './live.js';

export function watch({ url, auctionId, cursor }, saw, ended, options = {}) {
  const client = createClient({ url, retryAttempts: ATTEMPTS, retry: aMoment, ...options });
  const variables = { auctionId, ...cursor };
  client.subscribe({ query: WATCH, variables }, {
    next({ data, errors }) {
      if (errors) return ended(errors); // LAGGING, DRAINING …: wait a moment, and watch again from the last event
      moveCursor(variables, data.auctionEvents);
      saw(data.auctionEvents);
    },
    error: ended,
    complete: () => ended('complete'),
  });
  return () => client.dispose();
}
