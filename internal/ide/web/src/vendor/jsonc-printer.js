// The printer that belongs to jsonc-parser.js.
export const printers = {
  'plain-json': {
    print: ({ node }) => node.text.split('\n').flatMap((line, i) => (i === 0 ? [line] : [{ type: 'line', hard: true, literal: true }, { type: 'break-parent' }, line])),
  },
};
