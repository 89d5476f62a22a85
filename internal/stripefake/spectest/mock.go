package spectest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// version is the release of stripe-mock that is built, with the description in it.
const version = "v0.203.0"

const module = "github.com/stripe/stripe-mock@" + version

// official is the description and the mock that runs, once in each test binary.
type official struct {
	*description
	*mock
}

// start is lazy: a package whose tests make no request builds nothing.
var start = sync.OnceValues(func() (*official, error) {
	directory, err := fetch()
	if err != nil {
		return nil, err
	}
	d, err := readDescription(directory)
	if err != nil {
		return nil, err
	}
	program, err := build()
	if err != nil {
		return nil, err
	}
	m, err := run(program)
	return &official{description: d, mock: m}, err
})

// fetch has the module's source downloaded to the module cache, and says where it is.
func fetch() (directory string, err error) {
	out, err := goTool(nil, "mod", "download", "-json", module)
	if err != nil {
		return "", err
	}
	var answer struct {
		Dir string `json:"Dir"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return "", fmt.Errorf("download %s: %w", module, err)
	}
	return answer.Dir, nil
}

// build compiles the mock beside the user's other caches. It gets its name at the end, so that two
// test binaries that build it at once do each other no harm.
func build() (program string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	directory := filepath.Join(cache, "souk")
	program = filepath.Join(directory, "stripe-mock-"+version)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(directory, 0o750); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(directory, "build-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	if _, err := goTool([]string{"GOBIN=" + fresh}, "install", module); err != nil {
		return "", err
	}
	return program, os.Rename(filepath.Join(fresh, "stripe-mock"), program)
}

// goTool runs the go command outside of any module, without the flags that are meant for this one.
func goTool(environ []string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir = os.TempDir()
	c.Env = append(append(os.Environ(), "GOFLAGS=", "GOWORK=off"), environ...)
	var complaints bytes.Buffer
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		return out, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, complaints.Bytes())
	}
	return out, nil
}

// guard runs the mock until its own input ends, which it does when the test binary is gone, however
// that ended. So no mock is left behind.
const guard = `"$0" -http-unix "$1/socket" >/dev/null & read line; kill $!; wait; rm -rf "$1"`

// mock is a stripe-mock that runs, and the pipe that keeps it running.
type mock struct {
	client *http.Client
	alive  io.Closer
}

func run(program string) (*mock, error) {
	directory, err := os.MkdirTemp("", "stripe-mock-")
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(context.Background(), "/bin/sh", "-c", guard, program, directory)
	alive, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", directory+"/socket")
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: 30 * time.Second}
	for range 600 {
		if connection, err := dial(context.Background(), "", ""); err == nil {
			return &mock{client: client, alive: alive}, connection.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("%s did not begin to listen", program)
}
