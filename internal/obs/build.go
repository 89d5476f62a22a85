package obs

import (
	"runtime"
	"runtime/debug"
)

// Build says what program is running.
type Build struct {
	Version  string `json:"version"` // the module's version, or "devel"
	Commit   string `json:"commit"`  // the revision it was built from, or "unknown"
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
}

// ReadBuild reads what the Go tool stamped into the binary. `go run` and tests stamp no revision.
func ReadBuild() Build {
	build := Build{Version: "devel", Commit: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		build.Version = v
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			build.Commit = setting.Value
		case "vcs.modified":
			build.Modified = setting.Value == "true"
		}
	}
	return build
}
