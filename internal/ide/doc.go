// Package ide serves the GraphQL IDE: one page with GraphiQL and Souk's own tour of the API, whole
// from this binary. The page asks nothing of any other origin, which its security policy enforces.
//
// The scripts under dist are built from web with `npm ci && npm run build` and are committed, so
// that the Go build needs no node. The tour's operations are the files under examples.
package ide
