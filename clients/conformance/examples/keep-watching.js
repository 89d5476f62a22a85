// A server may also end one subscription and leave the connection as it is, with an error that says why: the client did not read
// as fast as bids came, the server is about to restart. Whoever keeps watching begins again behind the last event.
import { watch as watchOnce } from './graphql-ws.js'; // or any other
import { aMoment, moveCursor } from './live.js';

/** After these there is nothing to go on from; the first event is a SNAPSHOT. */
const BEGIN_ANEW = ['EPOCH_CHANGED', 'CURSOR_LOST'];

export function watch({ url, auctionId, cursor = {} }, saw, ended) {
  let stopped = false;
  let stop = begin();

  function begin() {
    return watchOnce({ url, auctionId, cursor }, (event) => {
      moveCursor(cursor, event);
      saw(event);
    }, again);
  }

  async function again(why) {
    stop();
    const { code, retryable } = why?.[0]?.extensions ?? { retryable: true }; // what is no error of the API is the network's
    if (BEGIN_ANEW.includes(code)) cursor = {};
    else if (!retryable) return ended(why); // no such auction, not signed in …
    await aMoment();
    if (!stopped) stop = begin();
  }

  return () => {
    stopped = true;
    return stop();
  };
}
