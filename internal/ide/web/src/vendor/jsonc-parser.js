// Prettier's "jsonc" parser, which GraphiQL uses for the variables and headers, without the half
// megabyte of a JavaScript parser behind it: the text is re-indented where it is plain JSON and
// left alone where it has comments.
export const parsers = {
  jsonc: {
    astFormat: 'plain-json',
    parse: (text) => ({ text: indented(text) }),
    locStart: () => 0,
    locEnd: (node) => node.text.length,
  },
};

function indented(text) {
  if (text.trim() === '') return '';
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
