// Builds ../dist from src: the page's script and style, Monaco's worker, the licences of what is
// bundled, and manifest.json, from which the Go side learns the hashed names. Same sources, same bytes.
import * as esbuild from 'esbuild';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const dist = path.join(here, '../dist');
const own = (file) => path.join(here, 'src/vendor', file);

// What GraphiQL imports, and what it gets here instead: see the heads of these files.
const replacements = {
  'monaco-graphql/esm/monaco-editor.js': own('monaco.js'),
  './monaco-editor': own('monaco.js'), // the same, as monaco-graphql's own files say it
  'prettier/parser-graphql': 'prettier/plugins/graphql',
  'prettier/parser-babel': own('jsonc-parser.js'),
  'prettier/plugins/estree': own('jsonc-printer.js'),
};
const workerReplacements = {
  'prettier/standalone': own('none.js'),
  'prettier/parser-graphql': own('none.js'),
};

const replace = (table) => ({
  name: 'replace',
  setup(build) {
    for (const [from, to] of Object.entries(table)) {
      const filter = new RegExp(`^${from.replaceAll(/[.\\/]/g, '\\$&')}$`);
      build.onResolve({ filter }, ({ resolveDir }) =>
        to.startsWith('/') ? { path: to } : build.resolve(to, { kind: 'import-statement', resolveDir }));
    }
  },
});

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  metafile: true,
  outdir: dist,
  entryNames: '[name]-[hash]',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none', // LICENSES.txt has them whole
  define: { 'process.env.NODE_ENV': '"production"' },
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });

const worker = await esbuild.build({
  ...common,
  format: 'iife',
  entryPoints: { worker: 'src/vendor/worker.js' },
  plugins: [replace(workerReplacements)],
});
const manifest = names(worker);

const app = await esbuild.build({
  ...common,
  format: 'esm',
  entryPoints: { app: 'src/main.jsx' },
  jsx: 'automatic',
  loader: { '.ttf': 'dataurl' },
  define: { ...common.define, WORKER: JSON.stringify(manifest['worker.js']) },
  plugins: [replace(replacements)],
});
Object.assign(manifest, names(app));

await writeFile(path.join(dist, 'manifest.json'), `${JSON.stringify(sorted(manifest), null, 2)}\n`);
await writeFile(path.join(dist, 'LICENSES.txt'), await licences([worker, app]));

// names maps what a file is (app.js) to its hashed name (app-3F2A….js).
function names({ metafile }) {
  return Object.fromEntries(Object.keys(metafile.outputs).map((out) => {
    const file = path.basename(out);
    return [file.replace(/-[A-Z0-9]{8}(\.\w+)$/, '$1'), file];
  }));
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

// licences collects the licence text of each package that has bytes in an output.
async function licences(results) {
  const packages = new Set();
  for (const { metafile } of results) {
    for (const output of Object.values(metafile.outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
        const found = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
        if (found && bytesInOutput > 0) packages.add(found[1]);
      }
    }
  }
  const texts = await Promise.all([...packages].sort().map(licence));
  return `The IDE's script contains these packages, under their own licences.\n\n${texts.join('\n')}`;
}

async function licence(directory) {
  const root = path.join(here, directory);
  const { name, version, license } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const files = (await readdir(root)).filter((f) => /^(licen[cs]e|thirdpartynotices)/i.test(f)).sort();
  const texts = await Promise.all(files.map((f) => readFile(path.join(root, f), 'utf8')));
  const body = texts.map((t) => t.replaceAll(/\r/g, '').replaceAll(/[ \t]+$/gm, '').trim()).join('\n\n');
  return `${'='.repeat(78)}\n${name} ${version} (${license ?? 'see below'})\n${'='.repeat(78)}\n${body}\n`;
}
