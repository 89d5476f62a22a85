// Relay's runtime over graphql-ws. The network layer has a copy of the variables and keeps that at the last event; Relay
// itself goes on with those that it knows the subscription by.
import { createClient } from 'graphql-ws';
import relay from 'relay-runtime';
import WebSocket from 'ws';
import { WatchSubscription } from './relay-artifact.js';
import { ATTEMPTS, aMoment, moveCursor, overWebSocket } from './live.js';

const { Environment, Network, Observable, RecordSource, Store, requestSubscription } = relay;

export function watch({ url, auctionId, cursor }, saw, ended) {
  const socket = createClient({
    url: overWebSocket(url), webSocketImpl: WebSocket, retryAttempts: ATTEMPTS, retryWait: aMoment, shouldRetry: () => true,
  });
  const environment = new Environment({
    network: Network.create(
      () => { throw new Error('this example subscribes only'); },
      (operation, variables) => resuming(socket, operation, variables),
    ),
    store: new Store(new RecordSource()),
  });
  const subscription = requestSubscription(environment, {
    subscription: WatchSubscription,
    variables: { auctionId, ...cursor },
    onNext: ({ auctionEvents }) => saw(auctionEvents),
    onError: ended,
    onCompleted: () => ended('complete'),
  });
  return () => {
    subscription.dispose();
    return socket.dispose();
  };
}

function resuming(socket, { name, text }, variables) {
  const current = { ...variables };
  return Observable.create((sink) => socket.subscribe({ operationName: name, query: text, variables: current }, {
    ...sink,
    next(result) {
      for (const event of Object.values(result.data ?? {})) {
        if (event?.version !== undefined) moveCursor(current, event);
      }
      sink.next(result);
    },
    error: sink.error,
    complete: sink.complete,
  }));
}
