package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// account is the user that the server runs as. PostgreSQL refuses to run as root.
type account struct {
	name     string
	uid, gid int
	switched bool // another user than this process
}

// accountFor is the account for a data directory: this process's own user, or for root the owner of
// the data that is there already, else postgres, else nobody.
func accountFor(data string) (account, error) {
	owner := -1
	if info, err := os.Stat(data); err == nil {
		owner = ownerOf(info)
	}
	self := os.Geteuid()
	if self != 0 {
		if owner >= 0 && owner != self {
			return account{}, fmt.Errorf("%s belongs to user %s, who must start it", data, userName(owner))
		}
		return account{name: userName(self), uid: self, gid: os.Getegid()}, nil
	}
	if owner > 0 {
		if found, err := user.LookupId(strconv.Itoa(owner)); err == nil {
			return toAccount(found)
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if found, err := user.Lookup(name); err == nil {
			return toAccount(found)
		}
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is no user postgres or nobody to run it: start souk as another user")
}

func toAccount(found *user.User) (account, error) {
	uid, err := strconv.Atoi(found.Uid)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", found.Username, err)
	}
	gid, err := strconv.Atoi(found.Gid)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", found.Username, err)
	}
	return account{name: found.Username, uid: uid, gid: gid, switched: true}, nil
}

func userName(uid int) string {
	if found, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return found.Username
	}
	return strconv.Itoa(uid)
}

// command is a command that runs as the account, in a small environment of its own: nothing of ours
// (PGDATA, PGPORT, LC_*, a proxy's password) may steer the server.
func (a account) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=/"}
	if a.switched {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)},
		}
	}
	return cmd
}

// give makes the account the owner of a path that this process made.
func (a account) give(path string) error {
	if !a.switched {
		return nil
	}
	if err := os.Lchown(path, a.uid, a.gid); err != nil {
		return fmt.Errorf("give %s to user %s: %w", path, a.name, err)
	}
	return nil
}

// canEnter reports whether the account may pass through every directory on the way to dir. A directory
// that does not exist yet counts as open: we make it.
func (a account) canEnter(dir string) bool {
	groups := a.groups()
	for {
		if info, err := os.Stat(dir); err == nil && !a.mayPass(info, groups) {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}

func (a account) mayPass(info os.FileInfo, groups []int) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	mode := info.Mode().Perm()
	switch {
	case int(stat.Uid) == a.uid:
		return mode&0o100 != 0
	case slices.Contains(groups, int(stat.Gid)):
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}

// groups are the groups that a process of the account has: the primary one alone where we switch to
// it, because we hand over no others.
func (a account) groups() []int {
	groups := []int{a.gid}
	if !a.switched {
		if more, err := os.Getgroups(); err == nil {
			groups = append(groups, more...)
		}
	}
	return groups
}

func ownerOf(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1
}
