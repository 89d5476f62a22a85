// A browser's own EventSource, with no library. Each event's id is its epoch and version: the browser sends the last one when
// it connects again, as Last-Event-ID, and that is where the server goes on, whatever the variables say.
import { EventSource } from 'eventsource'; // a browser has its own
import { WATCH } from './live.js';

export function watch({ url, auctionId, cursor }, saw, ended) {
  const ask = new URLSearchParams({ query: WATCH, variables: JSON.stringify({ auctionId, ...cursor }) });
  const source = new EventSource(`${url}?${ask}`);
  source.addEventListener('next', (message) => {
    const { data, errors } = JSON.parse(message.data);
    if (errors) return over(errors);
    saw(data.auctionEvents);
  });
  source.addEventListener('complete', () => over('complete'));
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) ended('refused'); // else it connects again by itself
  });
  function over(why) {
    source.close(); // or it would ask for more
    ended(why);
  }
  return () => source.close();
}
