// Apollo Client over graphql-ws. A link in front of GraphQLWsLink keeps the operation's variables at the last event; when
// graphql-ws connects again it sends them as they are then. It works for every subscription that counts versions.
import { ApolloClient, ApolloLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import { tap } from 'rxjs';
import WebSocket from 'ws';
import { ATTEMPTS, WATCH, aMoment, moveCursor, overWebSocket } from './live.js';

globalThis.WebSocket ??= WebSocket; // GraphQLWsLink looks at it; a browser has its own

const resumeLink = new ApolloLink((operation, forward) =>
  forward(operation).pipe(tap(({ data }) => {
    for (const event of Object.values(data ?? {})) {
      if (event?.version !== undefined) moveCursor(operation.variables, event);
    }
  })));

export function watch({ url, auctionId, cursor }, saw, ended) {
  const socket = createClient({
    url: overWebSocket(url), webSocketImpl: WebSocket, retryAttempts: ATTEMPTS, retryWait: aMoment, shouldRetry: () => true,
  });
  const client = new ApolloClient({
    link: resumeLink.concat(new GraphQLWsLink(socket)),
    cache: new InMemoryCache(),
  });
  client.subscribe({ query: gql(WATCH), variables: { auctionId, ...cursor } }).subscribe({
    next: ({ data, error }) => (error ? ended(error) : saw(data.auctionEvents)),
    error: ended,
    complete: () => ended('complete'),
  });
  return () => {
    client.stop();
    return socket.dispose();
  };
}
