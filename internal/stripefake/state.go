package stripefake

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// commit is what one request changed: one line of the state file.
type commit struct {
	NextID    uint64                       `json:"next_id"`
	Resources []json.RawMessage            `json:"resources,omitempty"`
	Keys      map[string]*idempotentAnswer `json:"keys,omitempty"`
	Planned   []task                       `json:"planned,omitempty"`
	Finished  string                       `json:"finished,omitempty"` // the id of a task
	Ahead     time.Duration                `json:"ahead,omitempty"`
}

// stateFile is a journal of commits. A line that a crash cut short is dropped at the next start,
// which also writes the file anew without what has been overwritten, beside it and by rename.
type stateFile struct {
	file *os.File
	lock *os.File
}

func (f *stateFile) append(c commit) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = f.file.Write(append(line, '\n'))
	return err
}

func (f *stateFile) close() error { return errors.Join(f.file.Close(), f.lock.Close()) }

// load reads the journal, compacts it and keeps it open. Two fakes on one file would each forget what
// the other did, so the second is refused.
func (s *Server) load(path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = lock.Close()
		}
	}()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("%s is used by another Stripe fake: %w", path, err)
	}
	if err := s.replay(path); err != nil {
		return err
	}
	file, err := s.compact(path)
	if err != nil {
		return err
	}
	s.file = &stateFile{file: file, lock: lock}
	return nil
}

func (s *Server) replay(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if len(line) > 0 {
				s.log.Warn("the last line of the Stripe fake's state was cut short and is dropped", "bytes", len(line))
			}
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.apply(line); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
}

func (s *Server) apply(line []byte) error {
	var c commit
	if err := json.Unmarshal(line, &c); err != nil {
		return err
	}
	for _, raw := range c.Resources {
		var h base
		if err := json.Unmarshal(raw, &h); err != nil {
			return err
		}
		r, known := newResource(h.Object)
		if !known {
			return fmt.Errorf("unknown kind of resource %q", h.Object)
		}
		if err := json.Unmarshal(raw, r); err != nil {
			return err
		}
		s.store.put(r)
	}
	maps.Copy(s.keys, c.Keys)
	for _, t := range c.Planned {
		s.agenda.add(t)
	}
	if c.Finished != "" {
		s.agenda.remove(c.Finished)
	}
	s.ahead, s.written = c.Ahead, c.Ahead
	s.ids.next = c.NextID
	return nil
}

func (s *Server) compact(path string) (*os.File, error) {
	now := s.now()
	maps.DeleteFunc(s.keys, func(_ string, a *idempotentAnswer) bool { return a.expired(now) })
	whole := commit{NextID: s.ids.next, Keys: s.keys, Planned: s.agenda, Ahead: s.ahead}
	for _, ids := range s.store.byKind {
		for _, id := range ids {
			raw, err := json.Marshal(s.store.byID[id])
			if err != nil {
				return nil, err
			}
			whole.Resources = append(whole.Resources, raw)
		}
	}
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	fresh := stateFile{file: file}
	if err = fresh.append(whole); err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
