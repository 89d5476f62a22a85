import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect } from 'react';
import { playMoney, title } from './config.js';
import { activeTab, byTab, choose, everyone, find, nobody, notice, ofTab, signedIn, token } from './identities.js';
import { useStore } from './store.js';
import { tabsChanged } from './tabs.js';

// TopBar stands where GraphiQL has its logo: who acts in this tab, and what kind of money this is.
export function TopBar() {
  return (
    <div className="souk-bar">
      <TabMarks />
      <ActAs />
      {playMoney && <span className="souk-badge" title="No real money moves: payments go to a stand-in for the provider.">play money</span>}
      <span className="souk-title">{title}</span>
      <Notice />
    </div>
  );
}

function ActAs() {
  const { stop } = useGraphiQLActions();
  useStore(byTab);
  useStore(signedIn);
  useStore(activeTab);
  const identity = ofTab();
  const change = (event) => {
    stop(); // a running subscription belongs to whoever started it
    const next = find(event.target.value);
    choose(next);
    notice.set(null);
    void token(next);
  };
  return (
    <label className="souk-act-as" title="Who this tab's operations run as">
      <span className="souk-dot" style={{ background: color(identity) }} />
      Act as
      <select value={identity.key} onChange={change}>
        {everyone().map(({ key, name, role }) => <option key={key} value={key}>{`${name} · ${role}`}</option>)}
      </select>
    </label>
  );
}

// TabMarks writes each tab's identity in front of its name.
function TabMarks() {
  const { tabs, activeTabIndex } = useGraphiQL(pick('tabs', 'activeTabIndex'));
  const { stop } = useGraphiQLActions();
  const id = tabs[activeTabIndex]?.id;
  const identities = useStore(byTab);
  useStore(signedIn);
  useEffect(() => {
    tabsChanged({ tabs, activeTabIndex });
    notice.set(null);
    stop(); // "+" does not, and a stream would go on into the new tab's response
    document.getElementById(`graphiql-session-tab-${activeTabIndex}`)?.scrollIntoView({ inline: 'nearest', block: 'nearest' });
  }, [id]); // the tab's identity alone: its text changes with each key
  const rules = tabs.flatMap((tab, index) => {
    const identity = find(identities[tab.id]);
    if (identity === nobody) return [];
    return `#graphiql-session-tab-${index}::before{content:${cssString(firstName(identity))};background:${color(identity)}}`;
  });
  return <style>{rules.join('\n')}</style>;
}

function Notice() {
  const text = useStore(notice);
  if (!text) return null;
  return (
    <div className="souk-notice" role="alert">
      {text}
      <button type="button" onClick={() => notice.set(null)} aria-label="Dismiss">×</button>
    </div>
  );
}

export const firstName = ({ name }) => name.split(' ')[0];

// color gives each identity its own hue, spread so that neighbours differ.
export function color(identity) {
  const index = everyone().findIndex(({ key }) => key === identity.key);
  return index <= 0 ? 'hsl(219 10% 60%)' : `hsl(${(index * 137 + 20) % 360} 62% 40%)`;
}

const cssString = (text) => `"${[...text].map((c) => `\\${c.codePointAt(0).toString(16)} `).join('')}"`;
