package ide

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
)

//go:embed dist
var dist embed.FS

// licences is the one asset whose name has no hash.
const licences = "LICENSES.txt"

// assetNames says which hashed file is which.
type assetNames struct {
	Script string `json:"app.js"`
	Style  string `json:"app.css"`
	Worker string `json:"worker.js"`
}

// embeddedAssets reads dist: the files by name, and which is which.
func embeddedAssets() (map[string]*file, assetNames) {
	files, names, err := readAssets(dist)
	if err != nil { // dist is built and committed whole; TestDist reads it
		panic(err) //nolint:forbidigo // see above
	}
	return files, names
}

func readAssets(fsys fs.FS) (map[string]*file, assetNames, error) {
	var names assetNames
	manifest, err := fs.ReadFile(fsys, "dist/manifest.json")
	if err != nil {
		return nil, names, fmt.Errorf("ide: %w", err)
	}
	if err := json.Unmarshal(manifest, &names); err != nil {
		return nil, names, fmt.Errorf("ide: manifest.json: %w", err)
	}
	files := make(map[string]*file)
	for _, name := range []string{names.Script, names.Style, names.Worker, licences} {
		body, err := fs.ReadFile(fsys, path.Join("dist", name))
		if err != nil {
			return nil, names, fmt.Errorf("ide: %w", err)
		}
		files[name] = newFile(contentType(name), cachePolicy(name), body)
	}
	return files, names, nil
}

func cachePolicy(name string) string {
	if name == licences {
		return revalidate
	}
	return forEver
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	default:
		return "text/plain; charset=utf-8"
	}
}
