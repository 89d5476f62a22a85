// Who acts. Each tab has an identity: one of the demo accounts, someone who signed in through an
// operation in this window, or nobody.
import { accounts } from './config.js';
import { post, refusal } from './http.js';
import { createStore } from './store.js';

export const nobody = { key: '', name: 'Nobody', role: 'signed out' };

const demo = accounts.map((account) => ({ ...account, key: account.email }));

export const tokens = createStore({}, 'souk:tokens'); // identity key → bearer token
export const signedIn = createStore([], 'souk:signed-in'); // identities that came from answers
export const byTab = createStore({}, 'souk:identity-by-tab'); // tab id → identity key
export const activeTab = createStore(''); // tab id
export const notice = createStore(null); // what went wrong with signing in

export const everyone = () => [nobody, ...demo, ...signedIn.get()];

export const find = (key) => everyone().find((identity) => identity.key === key) ?? nobody;

export const ofTab = (tab = activeTab.get()) => find(byTab.get()[tab]);

export function choose(identity, tab = activeTab.get()) {
  byTab.set((all) => ({ ...all, [tab]: identity.key }));
}

// token returns the identity's bearer token, signing in first where there is none yet.
export async function token(identity) {
  if (identity === nobody) return null;
  const known = tokens.get()[identity.key];
  if (known || !identity.password) return known ?? null;
  const answer = await post({
    query: 'mutation SignIn($i: SignInInput!) { signIn(input: $i) { session { token user { id name } } userErrors { code message } } }',
    operationName: 'SignIn',
    variables: { i: { email: identity.email, password: identity.password } },
  });
  const problem = refusal(answer, 'signIn');
  notice.set(problem && `Could not sign in as ${identity.name}: ${problem}`);
  if (problem) return null;
  return keep(identity.key, answer.data.signIn.session.token);
}

function keep(key, value) {
  tokens.set((all) => ({ ...all, [key]: value }));
  return value;
}

// forget drops a token that the server no longer takes; the next use signs in again.
export function forget(identity) {
  tokens.set(({ [identity.key]: _, ...rest }) => rest);
}

// authorization is the header's value for an identity, or null for nobody.
export async function authorization(identity) {
  const value = await token(identity);
  return value ? `Bearer ${value}` : null;
}

// learn offers whoever signed in or up through an operation as an identity of its own.
export function learn(answer) {
  for (const field of Object.values(answer?.data ?? {})) {
    const { token: value, user } = field?.session ?? {};
    if (typeof value !== 'string' || typeof user?.id !== 'string') continue;
    const known = demo.find((identity) => identity.name === user.name);
    const identity = known ?? { key: user.id, name: user.name ?? user.id, role: 'signed in here' };
    if (!known) signedIn.set((all) => [...all.filter(({ key }) => key !== identity.key), identity]);
    keep(identity.key, value);
  }
}

// actor finds the identity that an example names: by name, first name, e-mail, role, or "buyer 2".
// Null leaves the tab's identity as it is.
export function actor(words) {
  const wanted = (words ?? '').trim().toLowerCase();
  if (wanted === '') return null;
  if (wanted === 'nobody') return nobody;
  const [, role, number] = wanted.match(/^(.*?)(?:\s+(\d+))?$/);
  const named = demo.find(({ name, email }) =>
    [name.toLowerCase(), name.toLowerCase().split(' ')[0], email.toLowerCase(), email.toLowerCase().split('@')[0]].includes(wanted));
  return named ?? demo.filter((identity) => identity.role.toLowerCase() === role)[Number(number ?? 1) - 1] ?? null;
}
