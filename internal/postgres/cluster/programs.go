package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/souklive/souk/internal/apt"
)

// oldestMajor is the oldest PostgreSQL that a new cluster is made with.
const oldestMajor = 14

// programs is one PostgreSQL's directory of programs.
type programs struct {
	bin   string
	major int
}

// NotFoundError says that there is no PostgreSQL and no way to get one.
type NotFoundError struct {
	Looked   []string // directories
	Install  error    // why no package was installed
	Download error    // why nothing was downloaded
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf(`no PostgreSQL %d or newer found. Three ways to get one:
  1. install it: apt-get install postgresql (here: %v)
  2. let souk download it (here: %v)
  3. name a server of your own in DATABASE_URL
looked in: %s`, oldestMajor, e.Install, e.Download, strings.Join(e.Looked, " "))
}

// VersionError says that the data was made by a PostgreSQL that this machine does not have.
type VersionError struct {
	Data     int   // the data's major version
	Have     []int // the machine's
	Download error // why it was not downloaded
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("the data was made by PostgreSQL %d, this machine has %v (download: %v): install postgresql-%d, or move the state directory away to begin anew",
		e.Data, e.Have, e.Download, e.Data)
}

// findPrograms chooses the PostgreSQL for a home: the newest, or the one that its data needs.
func findPrograms(ctx context.Context, cfg Config, home *home) (programs, error) {
	wanted, err := dataMajor(home.data())
	if err != nil {
		return programs{}, err
	}
	have, looked := installed(ctx, home)
	if found, ok := choose(have, wanted); ok {
		return found, nil
	}
	if wanted > 0 {
		download := refuseDownload(cfg)
		if download == nil {
			var found programs
			if found, download = fetch(ctx, cfg.Log, home, wanted); download == nil {
				return found, nil
			}
		}
		return programs{}, &VersionError{Data: wanted, Have: majors(have), Download: download}
	}
	return obtain(ctx, cfg, home, looked)
}

// obtain gets PostgreSQL onto a machine that has none.
func obtain(ctx context.Context, cfg Config, home *home, looked []string) (programs, error) {
	missing := &NotFoundError{Looked: looked, Install: errors.New("not allowed to install"), Download: refuseDownload(cfg)}
	if cfg.Install {
		missing.Install = apt.PostgreSQL(ctx, cfg.Log)
		if missing.Install == nil {
			have, _ := installed(ctx, home)
			if found, ok := choose(have, 0); ok {
				return found, nil
			}
			missing.Install = fmt.Errorf("the machine's package is older than PostgreSQL %d", oldestMajor)
		}
	}
	if missing.Download == nil {
		var found programs
		if found, missing.Download = fetch(ctx, cfg.Log, home, defaultDownload); missing.Download == nil {
			return found, nil
		}
	}
	return programs{}, missing
}

func refuseDownload(cfg Config) error {
	if cfg.Install {
		return nil
	}
	return errors.New("not allowed to download")
}

// dataMajor is the major version that a data directory was made by; 0 is no data yet.
func dataMajor(data string) (int, error) {
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("version of the data: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("version of the data: %w", err)
	}
	return major, nil
}

// installed lists the PostgreSQLs of this machine, the newest first, and the directories looked at.
func installed(ctx context.Context, home *home) (found []programs, looked []string) {
	patterns := []string{
		"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
		"/usr/pgsql-*/bin",          // PGDG's RPMs
		"/usr/lib/postgresql*/bin",  // SUSE
		"/usr/libexec/postgresql*",  // Alpine
		"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
		"/usr/bin", "/usr/local/pgsql/bin", "/usr/local/bin",
		filepath.Join(home.dir, "programs-*", "bin"),
	}
	if onPath, err := exec.LookPath("initdb"); err == nil {
		if target, err := filepath.EvalSymlinks(onPath); err == nil {
			patterns = append(patterns, filepath.Dir(target))
		}
	}
	seen := map[string]bool{}
	for _, pattern := range patterns {
		looked = append(looked, pattern)
		dirs, _ := filepath.Glob(pattern)
		for _, dir := range dirs {
			if seen[dir] {
				continue
			}
			seen[dir] = true
			if major, err := majorOf(ctx, dir); err == nil {
				found = append(found, programs{bin: dir, major: major})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b programs) int { return b.major - a.major })
	return found, looked
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// majorOf asks the programs in dir for their version; a directory without both programs has none.
func majorOf(ctx context.Context, dir string) (int, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0, err
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return 0, fmt.Errorf("%s/postgres: unknown version %q", dir, out)
	}
	return strconv.Atoi(string(match[1]))
}

// choose takes the newest, or the one that is wanted.
func choose(have []programs, wanted int) (programs, bool) {
	for _, p := range have {
		if p.major == wanted || (wanted == 0 && p.major >= oldestMajor) {
			return p, true
		}
	}
	return programs{}, false
}

func majors(have []programs) []int {
	list := make([]int, 0, len(have))
	for _, p := range have {
		list = append(list, p.major)
	}
	return list
}
