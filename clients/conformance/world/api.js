import { randomUUID } from 'node:crypto';
import { PATIENCE } from './patience.js';

export const newKey = () => randomUUID();

/** Person sends operations by POST, as the holder of a token or as nobody. */
export class Person {
  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  /** One of the demo's people. */
  static async signIn(url, email) {
    const data = await new Person(url).must(
      `mutation ($input: SignInInput!) { signIn(input: $input) { session { token } userErrors { code } } }`,
      { input: { email, password: 'open-sesame' } });
    return new Person(url, data.signIn.session.token);
  }

  /** The data of an operation that has to succeed. */
  async must(query, variables) {
    const { data, errors } = await this.#post(JSON.stringify({ query, variables }));
    const refusals = Object.values(data ?? {}).flatMap((payload) => payload?.userErrors ?? []);
    if (errors?.length || refusals.length) throw new Error(`${query}\n${JSON.stringify(errors ?? refusals)}`);
    return data;
  }
  /** A connection that the server closed while it was idle fails once; whatever is sent here may be sent again. */
  async #post(body, tries = 3) {
    const headers = { 'Content-Type': 'application/json', ...(this.token && { Authorization: `Bearer ${this.token}` }) };
    try {
      const response = await fetch(this.url, { method: 'POST', headers, body, signal: AbortSignal.timeout(PATIENCE) });
      return await response.json();
    } catch (error) {
      if (tries === 1) throw error;
      return this.#post(body, tries - 1);
    }
  }
}
