/**
 * Damage to what a server sends, event by event: WebSocket frames, or the events of a chunked stream. Each function here
 * makes a changer of bytes for a connection, as Proxy wants it.
 */

const TEXT = 1;
const CLOSE = 8;

const LAGGING = { message: 'too slow', extensions: { code: 'LAGGING', retryable: true } };

/** Loses one bid in the middle. */
export const drop = () => changer((event, turn) => (turn === 3 ? [] : [event]));

/** Sends one bid twice. */
export const duplicate = () => changer((event, turn) => (turn === 3 ? [event, event] : [event]));

/** Sends two bids in the wrong order. */
export const swap = () => {
  let held;
  return changer((event, turn) => {
    if (turn === 3) held = event;
    return turn === 3 ? [] : turn === 4 ? [event, held] : [event];
  });
};

/** Ends the subscription with an error at its third bid, as a server does whose client reads too slowly. */
export const endAsLagging = () => {
  let turn = 0;
  return changeFrames(({ body, raw }) => {
    if (!body.includes('BIDS_PLACED') || ++turn < 3) return [raw];
    return turn > 3 ? [] : [encodeFrame(TEXT, JSON.stringify({ id: JSON.parse(body).id, type: 'error', payload: [LAGGING] }))];
  });
};

/** Closes with 4999 where the server closes with a code of the protocol. */
export const closeOtherwise = () => changeFrames(({ opcode, raw }) => (opcode === CLOSE ? [encodeFrame(CLOSE, uint16(4999))] : [raw]));

/** Echoes the `complete` of a client, before the next pong. */
export const echoComplete = (id) => () => changeFrames((frame) => (frame.body.includes('"type":"pong"')
  ? [encodeFrame(TEXT, JSON.stringify({ type: 'complete', id })), frame.raw]
  : [frame.raw]));

/** Changes each unit that carries a bid, which it is told the number of, on whatever transport the connection turns out to be. */
function changer(change) {
  let turn = 0;
  const each = (raw) => (raw.includes('BIDS_PLACED') ? change(raw, ++turn) : [raw]);
  return afterHead((head) => (head.includes(' 101 ') ? frames((frame) => each(frame.raw)) : chunks(each)));
}

const changeFrames = (change) => afterHead(() => frames(change));

/** Lets an answer's head pass and hands what follows to the reader that is made by it. */
function afterHead(readerFor) {
  let pending = Buffer.alloc(0);
  let reader;
  return (data) => {
    if (reader) return reader(data);
    pending = Buffer.concat([pending, data]);
    const end = pending.indexOf('\r\n\r\n');
    if (end < 0) return [];
    const head = pending.subarray(0, end + 4);
    reader = readerFor(head.toString('latin1'));
    return [head, ...reader(pending.subarray(end + 4))];
  };
}

/** Reads whole units off a stream by take, which answers undefined where one is not complete. */
function units(take) {
  let pending = Buffer.alloc(0);
  return (data) => {
    pending = Buffer.concat([pending, data]);
    const out = [];
    for (let unit = take(pending); unit; unit = take(pending)) {
      pending = pending.subarray(unit.length);
      out.push(...unit.parts);
    }
    return out;
  };
}

/** A server's frames are not masked. */
function frames(change) {
  return units((data) => {
    if (data.length < 2) return undefined;
    const short = data[1] & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (data.length < start) return undefined;
    const size = short < 126 ? short : short === 126 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
    const length = start + size;
    if (data.length < length) return undefined;
    return { length, parts: change({ opcode: data[0] & 0x0f, body: data.subarray(start, length), raw: data.subarray(0, length) }) };
  });
}

function uint16(number) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(number);
  return bytes;
}

function encodeFrame(opcode, text) {
  const body = Buffer.from(text);
  const size = body.length < 126 ? Buffer.from([body.length]) : Buffer.concat([Buffer.from([126]), uint16(body.length)]);
  return Buffer.concat([Buffer.from([0x80 | opcode]), size, body]);
}

/** A chunk may hold several events; each leaves in a chunk of its own. */
function chunks(change) {
  return units((data) => {
    const end = data.indexOf('\r\n');
    if (end < 0) return undefined;
    const size = parseInt(data.subarray(0, end), 16);
    const length = end + 2 + size + 2;
    if (data.length < length) return undefined;
    const events = data.subarray(end + 2, end + 2 + size).toString().split(/(?<=\n\n)/);
    return { length, parts: size === 0 ? [data.subarray(0, length)] : events.flatMap(change).map(encodeChunk) };
  });
}

function encodeChunk(event) {
  return `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`;
}
