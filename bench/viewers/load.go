//go:build linux

package viewers

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Spec is who watches what.
type Spec struct {
	Addr    string   `json:"addr"`
	Dialect string   `json:"dialect"`
	Viewers int      `json:"viewers"`
	Lots    []string `json:"lots"` // shared out in turns
	// From is how many viewers others have, whose addresses these should not share.
	From int `json:"from"`
	// StallEvery makes each so manieth viewer one that can be told to read no more; 0 for none.
	StallEvery int `json:"stallEvery"`
	// Since is the field of an event from whose time on delays are counted; "at", the commit's, where it is left out.
	Since string `json:"since"`
}

const (
	dialsAtOnce = 256
	perAddress  = 100 // viewers that one address of 127.0.0.0/8 has: a server counts them
	stallBuffer = 4 << 10
)

// load is the viewers of one server: one thread, one epoll, no goroutine for each. It reads every frame's version and nothing else.
type load struct {
	spec    Spec
	dialect dialect
	epoll   int
	viewers []*viewer
	read    []byte
	out     io.Writer

	next, dialing, open int // of opening all
	opening             time.Time
	target              int64 // what await waits for; 0 where nobody does
	behind              int   // viewers that have not reached it
	stalled             bool
	tally               tally
	recorded            [][]byte // messages of the first viewer
}

// Run is this program in the role of all viewers.
func Run(args []string) error {
	l := &load{read: make([]byte, 256<<10), out: os.Stdout}
	if err := json.Unmarshal([]byte(args[0]), &l.spec); err != nil {
		return err
	}
	l.tally.since = l.spec.Since
	l.dialect = dialects[l.spec.Dialect]
	l.viewers = make([]*viewer, l.spec.Viewers)
	for i := range l.viewers {
		l.viewers[i] = &viewer{fd: -1, at: i, lot: l.spec.Lots[i%len(l.spec.Lots)], version: unknown}
	}
	var err error
	if l.epoll, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return err
	}
	commands, err := l.listen(os.Stdin)
	if err != nil {
		return err
	}
	return l.loop(commands)
}

// listen makes commands wake the loop up: by a byte in a pipe.
func (l *load) listen(in io.Reader) (<-chan string, error) {
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC|syscall.O_NONBLOCK); err != nil {
		return nil, err
	}
	commands := make(chan string, 1)
	go func() {
		defer func() { close(commands); _ = syscall.Close(pipe[1]) }()
		for lines := bufio.NewScanner(in); lines.Scan(); {
			commands <- lines.Text()
			_, _ = syscall.Write(pipe[1], []byte{0})
		}
	}()
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: -1, Pad: int32(pipe[0])}
	return commands, syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, pipe[0], &event)
}

func (l *load) loop(commands <-chan string) error {
	events := make([]syscall.EpollEvent, 1024)
	for {
		n, err := syscall.EpollWait(l.epoll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		for _, event := range events[:max(n, 0)] {
			if event.Fd < 0 {
				var drop [16]byte
				_, _ = syscall.Read(int(event.Pad), drop[:])
				command, more := <-commands
				if !more {
					return nil
				}
				err = l.obey(command)
			} else {
				err = l.ready(l.viewers[event.Fd])
			}
			if err != nil {
				return err
			}
		}
	}
}

// obey does what a line says; an answer may come later.
func (l *load) obey(line string) error {
	command, argument, _ := strings.Cut(line, " ")
	switch command {
	case "open": // all that are not; the answer comes once they are live
		l.opening, l.next = time.Now(), 0
		return l.dialMore()
	case "await": // until every viewer that never stalls has this version
		var err error
		if l.target, err = strconv.ParseInt(argument, 10, 64); err != nil {
			return err
		}
		l.behind = 0
		for _, v := range l.viewers {
			if l.counts(v) && v.version < l.target {
				l.behind++
			}
		}
		l.checkTarget()
		return nil
	case "cut": // all at once, without a goodbye
		for _, v := range l.viewers {
			l.close(v)
		}
		return l.answer("cut", "")
	case "stall", "calm":
		if err := l.stall(command == "stall"); err != nil {
			return err
		}
		if command == "stall" {
			return l.answer("stall", "")
		}
		return l.obey("open")
	case "tally":
		raw, err := json.Marshal(l.tally.take())
		if err != nil {
			return err
		}
		return l.answer("tally", string(raw))
	case "record":
		texts := make([]string, len(l.recorded))
		for i, m := range l.recorded {
			texts[i] = string(m)
		}
		l.recorded = nil
		raw, err := json.Marshal(texts)
		if err != nil {
			return err
		}
		return l.answer("record", string(raw))
	}
	return fmt.Errorf("unknown command %q", line)
}

func (l *load) answer(word, rest string) error {
	_, err := fmt.Fprintln(l.out, word, rest)
	return err
}

// dialMore keeps some connections on their way until all are open.
func (l *load) dialMore() error {
	for ; l.next < len(l.viewers) && l.dialing < dialsAtOnce; l.next++ {
		v := l.viewers[l.next]
		if v.fd >= 0 {
			continue
		}
		if err := l.dial(v); err != nil {
			return fmt.Errorf("viewer %d: %w", v.at, err)
		}
		l.dialing++
	}
	if l.next == len(l.viewers) && l.dialing == 0 && !l.opening.IsZero() {
		took := time.Since(l.opening)
		l.opening = time.Time{}
		return l.answer("open", strconv.FormatInt(took.Milliseconds(), 10))
	}
	return nil
}

// dial begins to connect, from an address that this viewer shares with few.
func (l *load) dial(v *viewer) error {
	to, err := netip.ParseAddrPort(l.spec.Addr)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	v.fd, v.state, v.rest = fd, dialing, nil
	if l.mayStall(v) {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, stallBuffer); err != nil {
			return err
		}
	}
	group := (l.spec.From+v.at)/perAddress + 2
	from := &syscall.SockaddrInet4{Addr: [4]byte{127, 1, byte(group >> 8), byte(group)}}
	if err := syscall.Bind(fd, from); err != nil {
		return err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != nil && !errors.Is(err, syscall.EINPROGRESS) {
		return err
	}
	return l.watch(v, syscall.EPOLL_CTL_ADD, syscall.EPOLLOUT)
}

func (l *load) watch(v *viewer, op int, events uint32) error {
	return syscall.EpollCtl(l.epoll, op, v.fd, &syscall.EpollEvent{Events: events, Fd: int32(v.at)})
}

func (l *load) close(v *viewer) {
	if v.fd < 0 {
		return
	}
	_ = syscall.SetsockoptLinger(v.fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1})
	_ = syscall.Close(v.fd)
	if v.state == live {
		l.open--
	}
	v.fd, v.state = -1, closed
}

func (l *load) mayStall(v *viewer) bool { return l.spec.StallEvery > 0 && v.at%l.spec.StallEvery == 0 }

// counts says whether a viewer is one whose messages are timed and waited for: those that may stall are not, at any time.
func (l *load) counts(v *viewer) bool { return !l.mayStall(v) }

// stall has those viewers that may stall read no more, or begin anew.
func (l *load) stall(on bool) error {
	l.stalled = on
	for _, v := range l.viewers {
		switch {
		case !l.mayStall(v):
		case on:
			if err := l.watch(v, syscall.EPOLL_CTL_MOD, 0); err != nil {
				return err
			}
		default:
			l.close(v)
			v.version = unknown
		}
	}
	return nil
}

// checkTarget answers await.
func (l *load) checkTarget() {
	if l.target != 0 && l.behind == 0 {
		l.target = 0
		_ = l.answer("await", strconv.FormatInt(time.Now().UnixNano(), 10))
	}
}
