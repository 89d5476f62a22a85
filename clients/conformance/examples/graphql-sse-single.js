// graphql-sse with one stream for all subscriptions, for browsers that allow six connections to a server over HTTP/1.
import { watch as watchBySSE } from './graphql-sse.js';

export const watch = (what, saw, ended) => watchBySSE(what, saw, ended, { singleConnection: true });
