import { once } from 'node:events';
import net from 'node:net';

/** Proxy is the network between a client and the server, and can break. */
export class Proxy {
  connections = 0; // that were let through, so far
  #open = new Set();
  #down = false;

  /** With damage, a function that makes a new changer of the server's bytes for each connection. */
  static async open(url, damage) {
    const proxy = new Proxy();
    const { port } = new URL(url);
    proxy.listener = net.createServer((client) => proxy.#connect(client, Number(port), damage?.()));
    proxy.listener.listen(0, '127.0.0.1');
    await once(proxy.listener, 'listening');
    proxy.url = url.replace(`:${port}/`, `:${proxy.listener.address().port}/`);
    return proxy;
  }

  #connect(client, port, change) {
    if (this.#down) {
      client.on('error', () => {});
      client.destroy();
      return;
    }
    this.connections++;
    const server = net.connect(port, '127.0.0.1');
    const pair = { client, server };
    this.#open.add(pair);
    const end = () => {
      client.destroy();
      server.destroy();
      this.#open.delete(pair);
    };
    for (const side of [client, server]) {
      side.setNoDelay(true);
      side.on('error', end).on('close', end);
    }
    client.pipe(server);
    if (!change) {
      server.pipe(client);
      return;
    }
    server.on('data', (data) => {
      for (const part of change(data)) client.write(part);
    });
    server.on('end', () => client.end());
  }

  /** Cuts all connections, with a reset if it is to hurt, and lets nobody through until mend. */
  cut({ reset = false } = {}) {
    this.#down = true;
    for (const { client, server } of this.#open) {
      if (reset) client.resetAndDestroy();
      else client.destroy();
      server.destroy();
    }
  }

  mend() {
    this.#down = false;
  }

  close() {
    this.cut();
    this.listener.close();
  }
}
