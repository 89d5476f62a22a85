// What Souk adds to GraphiQL's tabs: each remembers who acts in it and which example filled it.
import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { activeTab, actor, byTab, choose, token } from './identities.js';
import { fill } from './ids.js';
import { known } from './known.js';
import { createStore } from './store.js';
import { isUntouched } from './welcome.js';

export const exampleByTab = createStore({}, 'souk:example-by-tab'); // tab id → example title

// tabsChanged follows GraphiQL's tabs. A new tab acts as the one it was opened from.
export function tabsChanged({ tabs, activeTabIndex }) {
  const id = tabs[activeTabIndex]?.id;
  if (!id || id === activeTab.get()) return;
  if (!(id in byTab.get())) byTab.set((all) => ({ ...all, [id]: all[activeTab.get()] ?? '' }));
  activeTab.set(id);
}

// useOpenExample gives a function that puts an example into its tab, or a new one, as its actor.
export function useOpenExample() {
  const { addTab, changeTab, stop } = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor, variableEditor } =
    useGraphiQL(pick('tabs', 'activeTabIndex', 'queryEditor', 'variableEditor'));

  return (example) => {
    if (!queryEditor || !variableEditor) return; // the editors are still loading
    stop();
    const index = tabs.findIndex(({ id }) => exampleByTab.get()[id] === example.title);
    if (index < 0 && !isUntouched(queryEditor.getValue())) addTab();
    else if (index >= 0 && index !== activeTabIndex) changeTab(index);
    exampleByTab.set((all) => ({ ...all, [activeTab.get()]: example.title }));

    const identity = actor(example.actor);
    if (identity) {
      choose(identity);
      void token(identity);
    }
    queryEditor.setValue(`${example.query.trim()}\n`);
    variableEditor.setValue(example.variables ? JSON.stringify(fill(example.variables, known.get()), null, 2) : '');
    queryEditor.focus();
  };
}
