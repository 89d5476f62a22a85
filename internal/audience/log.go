package audience

import "time"

// frame is one event, executed and encoded.
type frame struct {
	version int64
	at      time.Time
	body    []byte
	aside   bool // it has no version, and is in no log
}

// view is a group's newest frames, consecutive and immutable: whoever holds one may read it without a lock. The frame of
// version v is frames[v-first].
type view struct {
	first  int64 // version of the oldest frame, or of the next where there is none
	frames []frame
	bytes  int
	reset  *frame // the snapshot that the sequence last started anew with, for viewers from before it
	aside  *frame // the newest answer that has no version
}

func (v *view) last() int64 { return v.first + int64(len(v.frames)) - 1 }

// after appends the bodies of what follows a version. Where the sequence has started anew since, that is the snapshot and
// what follows it.
func (v *view) after(into [][]byte, version int64) [][]byte {
	if version < v.first-1 && v.reset != nil {
		into = append(into, v.reset.body)
		version = v.reset.version
	}
	for _, f := range v.frames[max(version-v.first+1, 0):] {
		into = append(into, f.body)
	}
	return into
}

// with is the view with one more frame, and without the oldest where there are more than its bounds and everybody has been
// handed them: up to version passed. Views share their frames: what one holds is never overwritten, because only the
// newest view is extended.
func (v *view) with(f frame, passed int64, maxFrames, maxBytes int) *view {
	w := &view{first: v.first, frames: append(v.frames, f), bytes: v.bytes + len(f.body), reset: v.reset, aside: v.aside}
	for w.first <= passed && (len(w.frames) > maxFrames || w.bytes > maxBytes) {
		w.bytes -= len(w.frames[0].body)
		w.frames = w.frames[1:]
		w.first++
	}
	return w
}

// besides is the view with a newer aside.
func (v *view) besides(f frame) *view {
	w := *v
	w.aside = &f
	return &w
}
