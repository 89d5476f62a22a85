// GraphiQL's fetcher: HTTP for queries and mutations, a WebSocket for subscriptions, both as the
// active tab's identity.
import { getOperationAST, parse } from 'graphql';
import { failure, isUnauthenticated, post } from './http.js';
import { activeTab, authorization, forget, ofTab } from './identities.js';
import { fill, missing } from './ids.js';
import { known, observe } from './known.js';
import { background, dismiss, iterate, keepInBackground, open } from './live.js';

const live = { key: () => crypto.randomUUID(), now: () => Date.now() };

export async function fetcher({ query, variables, operationName }, { headers = {} } = {}) {
  const payload = { query, operationName: operationName ?? undefined };
  payload.variables = fill(variables, known.get(), live);
  const unknown = missing(payload.variables);
  if (unknown.length) return failure(notYet(unknown));

  const identity = ofTab();
  const byHand = headerNamed(headers, 'authorization');
  if (isSubscription(query, operationName)) {
    return subscribe(payload, identity, byHand);
  }
  return request(payload, headers, identity, byHand);
}

async function request(payload, headers, identity, byHand) {
  const send = async () => {
    if (byHand) return post(payload, headers);
    const value = await authorization(identity);
    return post(payload, value ? { ...headers, authorization: value } : headers);
  };
  let answer = await send();
  if (isUnauthenticated(answer) && !byHand && identity.password) {
    forget(identity); // a token from before the server's data was wiped
    answer = await send();
  }
  observe(answer);
  return answer;
}

async function subscribe(payload, identity, byHand) {
  const tab = activeTab.get();
  background.get().filter((old) => old.tab === tab).forEach(dismiss); // this run takes its place
  const stream = open(payload, {
    tab,
    authorization: byHand ?? (await authorization(identity)),
    actor: byHand ? 'a token by hand' : identity.name,
  });
  stream.watch(() => stream.unauthenticated && !byHand && forget(identity)); // the next run signs in again
  return iterate(stream, () => {
    // GraphiQL lets go both on Stop and when the tab is left; a moment later we know which it was.
    setTimeout(() => (activeTab.get() === tab ? stream.stop() : keepInBackground(stream)), 100);
  });
}

function isSubscription(query, operationName) {
  try {
    return getOperationAST(parse(query), operationName)?.operation === 'subscription';
  } catch {
    return false; // the server will say what is wrong with it
  }
}

const headerNamed = (headers, name) =>
  Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1] ?? null;

const notYet = (placeholders) =>
  `Not sent: no answer in this window has held an id for ${placeholders.join(', ')} yet. `
  + 'Run the step of the tour that makes or finds one, or write an id in its place.';
