// GraphiQL keeps its state where this says: tabs belong to a window, so that the host and a buyer
// can sit side by side in two of them; the theme and the history belong to the browser.
const shared = new Set(['graphiql:theme', 'graphiql:queries', 'graphiql:favorites']);
const place = (key) => (shared.has(key) ? localStorage : sessionStorage);

export const storage = {
  get length() {
    return localStorage.length + sessionStorage.length;
  },
  getItem: (key) => place(key).getItem(key),
  setItem: (key, value) => place(key).setItem(key, value),
  removeItem: (key) => place(key).removeItem(key),
  clear() {
    localStorage.clear();
    sessionStorage.clear();
  },
};
