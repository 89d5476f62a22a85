import { color } from './TopBar.jsx';
import { dismiss, background } from './live.js';
import { everyone } from './identities.js';
import { useStore } from './store.js';

// LiveStrip shows the subscriptions whose tab was left, so that a bid in one tab is seen arriving in
// another one's stream.
export function LiveStrip() {
  const streams = useStore(background);
  if (streams.length === 0) return null;
  return (
    <div className="souk-live" aria-live="polite">
      {streams.map((stream) => <Stream key={stream.id} stream={stream} />)}
    </div>
  );
}

function Stream({ stream }) {
  const who = everyone().find(({ name }) => name === stream.actor);
  return (
    <details className="souk-stream">
      <summary>
        <span className={stream.open ? 'souk-pulse' : 'souk-pulse ended'} />
        <strong>{stream.title}</strong>
        {who && <span className="souk-who" style={{ background: color(who) }}>{stream.actor}</span>}
        <span className="souk-dim">{stream.status} · {stream.received}</span>
        <button type="button" onClick={() => dismiss(stream)}>{stream.open ? 'Stop' : 'Dismiss'}</button>
        {stream.events[0] && <code>{line(stream.events[0])}</code>}
      </summary>
      <pre>{JSON.stringify(stream.events, null, 2)}</pre>
    </details>
  );
}

const line = ({ at, data, errors }) => `${at}  ${JSON.stringify(errors ?? data).slice(0, 400)}`;
