import { title } from './config.js';

// welcome is what the first tab holds.
export const welcome = `# ${title}: start with step 1 of the tour,
# on the left. A click opens it in a tab;
# the pink button or Ctrl-Enter runs it.
#
# Book: the whole schema.
# Compass: the tour. Camera: photos.

query Hello {
  __typename
}
`;

// isUntouched tells a tab that holds nothing of the user's.
export const isUntouched = (text) =>
  text.trim() === welcome.trim() || text.replaceAll(/#.*$/gm, '').trim() === '';
