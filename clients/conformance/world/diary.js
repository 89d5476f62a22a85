import { within } from './patience.js';

/**
 * Diary is what one viewer has seen of a lot, over however many connections. Every version has to come exactly once and in
 * order. Where the client asks with its first variables again it may hear known versions again after a cut, from the
 * first on: they are dropped.
 */
export class Diary {
  version; // the last one that was new; undefined: none yet
  fault; // the first thing that was wrong
  known = 0; // versions that came again and were dropped
  bids = new Map();
  #begun; // the version behind which every one has to come
  #came; // the last one that came, known or new
  #epoch;
  #replays = 0;
  #waiting = new Set();

  /** With after, the viewer has begun behind that version and hears of it again after each cut. */
  constructor({ after } = {}) {
    this.after = this.#begun = this.#came = this.version = after;
  }

  /** Says that the connection was cut: a client of first variables may begin again from there. */
  cut() {
    if (this.after !== undefined) this.#replays++;
  }

  note(event) {
    if (!this.fault) this.fault = this.#wrong(event);
    if (!this.fault) {
      this.#write(event);
    }
    this.#tell();
  }

  #write({ version, epoch, bids }) {
    this.#begun ??= version;
    this.#came = version;
    this.#epoch = epoch;
    if (version <= this.version) {
      this.known++;
      return;
    }
    this.version = version;
    this.bids.set(version, bids?.[0]);
  }

  /** A subscription that ends by itself is a fault: nobody has ended it. */
  ended(why) {
    this.fault ??= `the subscription ended: ${describe(why)}`;
    this.#tell();
  }

  #wrong({ version, epoch, kind }) {
    if (this.version === undefined) return kind === 'SNAPSHOT' ? undefined : `the first event is ${kind}, not SNAPSHOT`;
    if (this.#epoch !== undefined && epoch !== this.#epoch) return `version ${version} is of another epoch`;
    if (kind === 'SNAPSHOT') return `began anew at version ${version}, after ${this.version}`;
    if (version === this.#came + 1) return undefined;
    if (version > this.#came + 1) return `missing: from ${this.#came} to ${version}`;
    if (version === this.after + 1 && this.#replays-- > 0) return undefined;
    return `twice: version ${version} after ${this.#came}`;
  }

  /** Waits until a version was seen. */
  async reaches(version) {
    const reached = new Promise((resolve, reject) => {
      const look = () => {
        if (this.fault) reject(new Error(this.fault));
        else if (this.version >= version) resolve();
        else return;
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
    reached.catch(() => {}); // heard below, unless that has given up
    await within(reached, `version ${version} is seen`).catch((error) => {
      throw new Error(this.fault ?? `${error.message}; the last seen is ${this.version}`);
    });
  }

  #tell() {
    for (const look of [...this.#waiting]) look();
  }

  /** Compares what was seen with what the bidders were told. */
  check(lot) {
    if (this.fault) throw new Error(this.fault);
    for (const [version, placed] of lot.bids) {
      if (version <= this.#begun || version > this.version) continue;
      const seen = this.bids.get(version);
      if (seen?.number !== placed.number || seen.amount.minor !== placed.amount.minor) {
        throw new Error(`version ${version} came as ${JSON.stringify(seen)}, and was ${JSON.stringify(placed)}`);
      }
    }
  }
}

export function describe(why) {
  if (why instanceof Error) return why.message;
  if (why?.code !== undefined && why.reason !== undefined) return `closed with ${why.code} ${why.reason}`; // a CloseEvent
  return typeof why === 'string' ? why : JSON.stringify(why);
}
