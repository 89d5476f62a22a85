package ide

import (
	"net/http"
	"strings"
)

// Config is what the page is told.
type Config struct {
	Endpoint  string    // path of the GraphQL API on this origin, for HTTP and WebSocket; "/graphql" when empty
	Accounts  []Account // demo accounts to act as, with their passwords: readable by every visitor, play mode only
	PlayMoney bool      // says so in the page's head
	Title     string    // "Souk" when empty
}

// Account is a demo account, offered in the page's "Act as".
type Account struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	Email    string `json:"email"`
	Password string `json:"password"`
}

// assetPrefix is where the page's scripts and styles are, by their hashed names.
const assetPrefix = "/assets/"

// Handler serves the page at / and its assets under /assets/. Every other path is not found, every
// method but GET and HEAD is refused. It panics on a file that is missing from the binary or does
// not parse, which no configuration can cause and the tests exclude.
func Handler(cfg Config) http.Handler {
	files, names := embeddedAssets()
	return &handler{page: newPage(cfg, names, Examples()), assets: files}
}

type handler struct {
	page   *file
	assets map[string]*file
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSecurityHeaders(w.Header(), r.Host)
	served := h.find(r.URL.Path)
	switch {
	case served == nil:
		http.Error(w, "404 page not found", http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
	default:
		served.serve(w, r)
	}
}

// find returns the file at a path, or nil.
func (h *handler) find(path string) *file {
	if path == "/" {
		return h.page
	}
	name, ok := strings.CutPrefix(path, assetPrefix)
	if !ok {
		return nil
	}
	return h.assets[name]
}
