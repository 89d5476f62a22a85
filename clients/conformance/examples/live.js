// What all examples share. An app needs no more than this to never miss an event.

/** The events of a lot. Every event has a version, one greater than the last one's. */
export const WATCH = `subscription Watch($auctionId: ID!, $afterVersion: Int, $epoch: String) {
  auctionEvents(auctionId: $auctionId, afterVersion: $afterVersion, epoch: $epoch) {
    version epoch kind
    bids { number amount { minor } }
  }
}`;

/**
 * Keeps the variables of a subscription at the last event that was seen. Libraries that reconnect by themselves send the
 * object that they were given once more, so that they go on where they were cut.
 */
export function moveCursor(variables, event) {
  variables.afterVersion = event.version;
  variables.epoch = event.epoch;
}

/** Before a connection is tried again. In an app: at random within a second or two, as all the others come back as well. */
export const aMoment = () => new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 80));

/** How often a connection is tried again; an app would not give up. */
export const ATTEMPTS = 300;

/** The same address over WebSocket. */
export const overWebSocket = (url) => url.replace(/^http/, 'ws');
