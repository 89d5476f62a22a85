package process

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

func setDeathSignal(attr *syscall.SysProcAttr, sig syscall.Signal) { attr.Pdeathsig = sig }

// Command is the argument list with which a live process was started. It reads what every user may
// read: in a container without CAP_SYS_PTRACE not even root sees another user's /proc/PID/cwd.
func Command(pid int) ([]string, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil, fmt.Errorf("command of process %d: %w", pid, err)
	}
	return strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00"), nil
}
