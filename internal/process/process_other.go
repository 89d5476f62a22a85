//go:build unix && !linux

package process

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Other systems have no death signal: after a kill -9 of ours the child stays, and the next start
// adopts it.
func setDeathSignal(*syscall.SysProcAttr, syscall.Signal) {}

// Command is the argument list with which a live process was started, split at spaces.
func Command(pid int) ([]string, error) {
	out, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return nil, fmt.Errorf("command of process %d: %w", pid, err)
	}
	return strings.Fields(string(out)), nil
}
