import { Person, newKey } from './api.js';

const BID = `mutation ($input: BidPlaceInput!) {
  bidPlace(input: $input) {
    bid { number amount { minor } }
    auction { version nextMinimum { amount currencyCode } }
    userErrors { code message }
  }
}`;

/** Lot is an open lot on which two people bid in turn, one bid at a time whoever asks. */
export class Lot {
  /** What each version was: the bids as their bidders heard of them. */
  bids = new Map();
  #last = Promise.resolve();

  static async open(url) {
    const lot = new Lot();
    const [seller, ...bidders] = await Promise.all(
      ['hana', 'bilal', 'chloe'].map((name) => Person.signIn(url, `${name}@souk.example`)));
    lot.bidders = bidders;
    await Promise.all(bidders.map((bidder) => bidder.must(
      `mutation ($input: WalletTopUpInput!) { walletTopUp(input: $input) { topUp { status } userErrors { code message } } }`,
      { input: { amount: eur('10000.00'), paymentMethod: 'pm_card_visa', idempotencyKey: newKey() } })));
    const { listings } = await seller.must('{ listings(first: 20) { nodes { id status } } }');
    const { auctionStart } = await seller.must(
      `mutation ($input: AuctionStartInput!) {
        auctionStart(input: $input) { auction { id version nextMinimum { amount currencyCode } } userErrors { code message } }
      }`,
      { input: { listingId: listings.nodes.find(({ status }) => status === 'ACTIVE').id, startPrice: eur('1.00'), durationSeconds: 3600 } });
    lot.id = auctionStart.auction.id;
    lot.version = auctionStart.auction.version;
    lot.next = auctionStart.auction.nextMinimum;
    return lot;
  }

  /** Places bids, one after the other, and answers the version that the last one made. */
  bid(times = 1) {
    const placed = this.#last.then(async () => {
      for (let i = 0; i < times; i++) await this.#bid();
      return this.version;
    });
    this.#last = placed.catch(() => {});
    return placed;
  }

  async #bid() {
    const bidder = this.bidders[this.bids.size % this.bidders.length];
    const { bidPlace } = await bidder.must(BID, { input: { auctionId: this.id, amount: this.next, idempotencyKey: newKey() } });
    if (bidPlace.auction.version !== this.version + 1) {
      throw new Error(`a bid on version ${this.version} made version ${bidPlace.auction.version}`);
    }
    this.version = bidPlace.auction.version;
    this.next = bidPlace.auction.nextMinimum;
    this.bids.set(this.version, bidPlace.bid);
  }
}

const eur = (amount) => ({ amount, currencyCode: 'EUR' });
