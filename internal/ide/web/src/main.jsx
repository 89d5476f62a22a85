import './workers.js';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './souk.css';
import { fetcher } from './fetcher.js';
import { LiveStrip } from './LiveStrip.jsx';
import { PHOTO_PLUGIN } from './Photo.jsx';
import { storage } from './storage.js';
import { tabsChanged } from './tabs.js';
import { TopBar } from './TopBar.jsx';
import { TOUR_PLUGIN } from './Tour.jsx';
import { welcome } from './welcome.js';

const plugins = [TOUR_PLUGIN, PHOTO_PLUGIN, HISTORY_PLUGIN];

createRoot(document.getElementById('souk')).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    plugins={plugins}
    visiblePlugin={TOUR_PLUGIN}
    defaultQuery={welcome}
    defaultEditorToolsVisibility="variables"
    onTabChange={tabsChanged}
  >
    <GraphiQL.Logo><TopBar /></GraphiQL.Logo>
    <GraphiQL.Footer><LiveStrip /></GraphiQL.Footer>
  </GraphiQL>,
);
