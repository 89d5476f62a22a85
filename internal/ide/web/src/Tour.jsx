import { accounts, examples, playMoney } from './config.js';
import { actor, everyone, signedIn } from './identities.js';
import { known, prefer } from './known.js';
import { useStore } from './store.js';
import { exampleByTab, useOpenExample } from './tabs.js';
import { color } from './TopBar.jsx';

export const TOUR_PLUGIN = { title: 'Tour', icon: CompassIcon, content: Tour };

function Tour() {
  return (
    <section className="souk-panel" aria-label="Tour">
      <div className="graphiql-doc-explorer-title">Tour</div>
      <Start />
      <Steps />
      <Ids />
      {accounts.length > 0 && <Accounts />}
    </section>
  );
}

function Start() {
  return (
    <div className="souk-start">
      <p>
        <strong>New here?</strong> Go through the steps in order. Each opens in a tab of its own, as
        the person it belongs to; run it with the pink button. The ids in one answer are filled into
        the steps after it.
      </p>
      <p>
        A subscription goes on when you leave its tab: its events then show under the response.
        {playMoney && ' The money is play money, so spend it.'}
      </p>
    </div>
  );
}

function Steps() {
  const open = useOpenExample();
  const opened = new Set(Object.values(useStore(exampleByTab)));
  return (
    <ol className="souk-steps">
      {examples.map((example, index) => (
        <li key={example.title}>
          <button type="button" className={opened.has(example.title) ? 'opened' : ''} onClick={() => open(example)}>
            <span className="souk-number">{index + 1}</span>
            <span>
              <span className="souk-step-title">{example.title}</span>
              <Actor words={example.actor} />
              {example.description && <span className="souk-about">{example.description}</span>}
            </span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function Actor({ words }) {
  if (!words) return null;
  const identity = actor(words);
  return <span className="souk-who" style={{ background: identity ? color(identity) : undefined }}>{identity?.name ?? words}</span>;
}

// Ids shows what {{lst}} and its like stand for, and lets one choose among the recent ones.
function Ids() {
  const kinds = Object.entries(useStore(known)).sort(([a], [b]) => a.localeCompare(b));
  return (
    <details className="souk-fold">
      <summary>Ids seen in answers <span className="souk-dim">{kinds.length || 'none yet'}</span></summary>
      <p className="souk-dim">
        In variables, <code>{'{{lst}}'}</code> stands for the newest listing's id, and so on;{' '}
        <code>{'{{key}}'}</code> for a fresh key each time.
      </p>
      <table className="souk-ids">
        <tbody>
          {kinds.map(([kind, ids]) => (
            <tr key={kind}>
              <td><code>{`{{${kind}}}`}</code></td>
              <td>
                <select value={ids[0]} onChange={(event) => prefer(kind, event.target.value)} aria-label={`Newest ${kind}`}>
                  {ids.map((id) => <option key={id}>{id}</option>)}
                </select>
              </td>
              <td><button type="button" onClick={() => navigator.clipboard.writeText(ids[0])}>Copy</button></td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function Accounts() {
  useStore(signedIn);
  return (
    <details className="souk-fold">
      <summary>Demo accounts <span className="souk-dim">{accounts.length}</span></summary>
      <table>
        <tbody>
          {everyone().filter(({ email }) => email).map((account) => (
            <tr key={account.key}>
              <td><span className="souk-dot" style={{ background: color(account) }} /> {account.name}</td>
              <td className="souk-dim">{account.role}</td>
              <td><code>{account.email}</code></td>
              <td><code>{account.password}</code></td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function CompassIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" aria-hidden="true">
      <circle cx="12" cy="12" r="9.5" />
      <path d="m15.8 8.2-2.3 5.3-5.3 2.3 2.3-5.3z" strokeLinejoin="round" />
    </svg>
  );
}
