import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PATIENCE, within } from './patience.js';

const SOUK = fileURLToPath(new URL('../../../bin/souk', import.meta.url));

/** Server is `souk demo` on a port and in a state directory of its own. */
export class Server {
  static async start() {
    const server = new Server();
    // Directly in /tmp and open to pass through, since PostgreSQL is another user's where we are root.
    server.directory = await mkdtemp('/tmp/souk-conformance-');
    await chmod(server.directory, 0o711);
    process.once('exit', () => server.forget());
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
    await server.run('127.0.0.1:0');
    return server;
  }

  /** Stops the server in order and starts it again at the same address. */
  async restart() {
    await this.stop();
    await this.run(`127.0.0.1:${this.port}`);
  }

  async run(address) {
    const { PATH, HOME, TMPDIR } = process.env;
    const child = spawn(SOUK, ['demo'], {
      env: { PATH, HOME, ...(TMPDIR && { TMPDIR }), SOUK_STATE_DIR: this.directory, SOUK_ADDR: address, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    let said = '';
    child.stderr.on('data', (data) => { said = (said + data).slice(-10_000); });
    const serving = new Promise((resolve, reject) => {
      let screen = '';
      child.stdout.on('data', (data) => {
        screen += data;
        const found = /API\s+(http:\/\/127\.0\.0\.1:(\d+)\/graphql)/.exec(screen);
        if (found) resolve(found);
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`souk ended with ${code}:\n${said}`)));
    });
    const [, url, port] = await within(serving, 'souk serves', 3 * PATIENCE);
    this.url = url;
    this.port = Number(port);
  }

  async stop() {
    if (this.child.exitCode !== null) throw new Error(`souk had ended by itself, with ${this.child.exitCode}`);
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const [code, signal] = await within(ended, 'souk stops');
    if (code !== 0) throw new Error(`souk ended with ${code ?? signal}`);
  }

  /** Leaves nothing behind, however the server is. */
  forget() {
    this.child?.kill('SIGKILL'); // PostgreSQL goes with it; one that has ended does not mind
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10 });
  }
}
