import { once } from 'node:events';
import http from 'node:http';
import WebSocket from 'ws';
import { within } from './patience.js';

/** Socket is a WebSocket that is spoken to in raw messages. */
export class Socket {
  #came = [];
  #wake = () => {};

  static async open(url, protocol) {
    const socket = new Socket();
    socket.ws = new WebSocket(url.replace(/^http/, 'ws'), protocol);
    socket.ws.on('message', (data) => socket.#put(JSON.parse(data)));
    socket.ws.on('close', (code, reason) => socket.#put({ closed: code, reason: reason.toString() }));
    socket.ws.on('error', () => {}); // a close follows
    await within(once(socket.ws, 'open'), 'the handshake');
    return socket;
  }

  /** A connection that is let in. */
  static async hello(url, payload) {
    const socket = await Socket.open(url, 'graphql-transport-ws');
    socket.send({ type: 'connection_init', payload });
    await socket.expect({ type: 'connection_ack' });
    return socket;
  }

  #put(message) {
    this.#came.push(message);
    this.#wake();
  }

  /** Sends an object as JSON, and anything else as it is. */
  send(...messages) {
    for (const message of messages) {
      this.ws.send(typeof message === 'string' || message instanceof Buffer ? message : JSON.stringify(message));
    }
  }

  /** The next message; the last one is {closed, reason}. */
  async next() {
    await within((async () => {
      while (this.#came.length === 0) await new Promise((resolve) => { this.#wake = resolve; });
    })(), 'a message comes');
    return this.#came.shift();
  }

  /** The next message, which has to have what is expected of it. */
  async expect(part) {
    const message = await this.next();
    for (const [key, value] of Object.entries(part)) {
      if (JSON.stringify(message[key]) !== JSON.stringify(value)) {
        throw new Error(`expected ${JSON.stringify(part)}, got ${JSON.stringify(message)}`);
      }
    }
    return message;
  }

  /** All messages up to the answer to a ping that is sent now. */
  async untilPong() {
    this.send({ type: 'ping' });
    const messages = [];
    for (let m = await this.next(); m.type !== 'pong'; m = await this.next()) {
      if (m.closed) throw new Error(`closed with ${m.closed} ${m.reason}`);
      messages.push(m);
    }
    return messages;
  }

  close() {
    this.ws.terminate();
  }
}

/** The code and reason of the frame with which a server closes a handshake of this subprotocol; ws would not look at it. */
export async function closeOf(url, protocol) {
  const request = http.get(url, {
    headers: {
      Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'), ...(protocol && { 'Sec-WebSocket-Protocol': protocol }),
    },
  });
  const [, stream, head] = await within(once(request, 'upgrade'), 'the handshake');
  try {
    let bytes = head;
    while (bytes.length < 2 || bytes.length < 2 + bytes[1]) {
      const [more] = await within(once(stream, 'data'), 'the close frame');
      bytes = Buffer.concat([bytes, more]);
    }
    if (bytes[0] !== 0x88) throw new Error(`no close frame: ${bytes.toString('hex')}`);
    return { closed: bytes.readUInt16BE(2), reason: bytes.subarray(4, 2 + bytes[1]).toString() };
  } finally {
    stream.destroy();
  }
}
