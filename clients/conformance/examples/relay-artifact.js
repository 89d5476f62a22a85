// In an app relay-compiler writes this from graphql`subscription Watch …`; here it is by hand, so that the example needs no
// compiler.
import { WATCH } from './live.js';

const scalar = (name) => ({ kind: 'ScalarField', name, args: null, storageKey: null, alias: null });
const linked = (name, concreteType, selections, args = null) =>
  ({ kind: 'LinkedField', name, concreteType, plural: false, selections, args, storageKey: null, alias: null });
const plural = (...linkedOf) => ({ ...linked(...linkedOf), plural: true });

const names = ['auctionId', 'afterVersion', 'epoch'];
const argumentDefinitions = names.map((name) => ({ kind: 'LocalArgument', name, defaultValue: null }));
const selections = [
  linked('auctionEvents', 'AuctionEvent', [
    scalar('version'), scalar('epoch'), scalar('kind'),
    plural('bids', 'Bid', [scalar('number'), linked('amount', 'Money', [scalar('minor')])]),
  ], names.map((name) => ({ kind: 'Variable', name, variableName: name }))),
];

export const WatchSubscription = {
  kind: 'Request',
  fragment: { kind: 'Fragment', name: 'Watch', type: 'Subscription', abstractKey: null, metadata: null, argumentDefinitions, selections },
  operation: { kind: 'Operation', name: 'Watch', argumentDefinitions, selections },
  params: { id: null, cacheID: 'Watch', metadata: {}, name: 'Watch', operationKind: 'subscription', text: WATCH },
};
