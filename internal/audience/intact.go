//go:build !souk_broken

package audience

import "github.com/souklive/souk/internal/gqlws"

// The seams at which a build with the tag souk_broken goes wrong, so that the oracle can show that it notices. In any other
// build they are nothing.

func seam(v gqlws.Viewer) gqlws.Viewer { return v }

func (*bench) keep(body []byte) []byte { return body }

// bench is where a run's answers are encoded.
type bench struct{}
