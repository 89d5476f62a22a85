// urql over graphql-ws. What forwards a subscription has a copy of its variables and keeps that at the last event.
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { ATTEMPTS, WATCH, aMoment, moveCursor, overWebSocket } from './live.js';

export function watch({ url, auctionId, cursor }, saw, ended) {
  const socket = createClient({
    url: overWebSocket(url), webSocketImpl: WebSocket, retryAttempts: ATTEMPTS, retryWait: aMoment, shouldRetry: () => true,
  });
  const client = new Client({
    url,
    exchanges: [fetchExchange, subscriptionExchange({ forwardSubscription: (request) => resuming(socket, request) })],
  });
  const { unsubscribe } = client.subscription(WATCH, { auctionId, ...cursor }).subscribe(({ data, error }) => {
    if (error) return ended(error);
    saw(data.auctionEvents);
  });
  return () => {
    unsubscribe();
    return socket.dispose();
  };
}

function resuming(socket, { query, variables }) {
  const current = { ...variables };
  return {
    subscribe(sink) {
      const unsubscribe = socket.subscribe({ query, variables: current }, {
        ...sink,
        next(result) {
          for (const event of Object.values(result.data ?? {})) {
            if (event?.version !== undefined) moveCursor(current, event);
          }
          sink.next(result);
        },
      });
      return { unsubscribe };
    },
  };
}
