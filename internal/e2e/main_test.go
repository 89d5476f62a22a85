package e2e

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// program is the path of the binary under test. TestMain builds it; it does not change from then on.
var program string

// plain is the binary without the race detector, which makes a start take thrice as long: for who kills a hundred servers at
// named points, where nothing races.
var plain = sync.OnceValues(func() (string, error) {
	if !withRace {
		return program, nil
	}
	path := program + "-plain"
	return path, compile(path)
})

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "souk-e2e-")
	if err == nil {
		err = besideEachOther()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "souk")
	if err := build(program); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: build the program:", err)
		return 1
	}
	return m.Run()
}

// besideEachOther has twice as many tests run at once as there are processors, where nobody has chosen: they mostly wait for programs to start, and to
// find out what others have left.
func besideEachOther() error {
	f := flag.Lookup("test.parallel")
	if f.Value.String() != f.DefValue {
		return nil
	}
	return flag.Set(f.Name, strconv.Itoa(2*runtime.GOMAXPROCS(0)))
}

func build(path string) error {
	if withRace {
		return compile(path, "-race")
	}
	return compile(path)
}

func compile(path string, flags ...string) error {
	args := append([]string{"build", "-buildvcs=false", "-o", path}, flags...)
	command := exec.Command("go", append(args, "github.com/souklive/souk/server")...)
	if !slices.Contains(flags, "-race") {
		command.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does, which has built most of it
	}
	out, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// readSources opens each directory of sources, once the tests run. The go command remembers what a test has opened;
// without this it would find that nothing has changed in this package and report an old result for a new program.
func readSources(t *testing.T) {
	t.Helper()
	for _, room := range []string{"server", "graph", "internal", "db"} {
		err := filepath.WalkDir(filepath.Join("..", "..", room), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			t.Fatal(err)
		}
	}
}
