// Monaco's three workers in one script, since most of each is the same: the worker's name says
// which one it is to be.
if (self.name === 'json') {
  require('monaco-editor/esm/vs/language/json/json.worker.js');
} else if (self.name === 'graphql') {
  require('monaco-graphql/esm/graphql.worker.js');
} else {
  require('monaco-editor/esm/vs/editor/editor.worker.js');
}
