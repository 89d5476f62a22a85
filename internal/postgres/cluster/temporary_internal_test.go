package cluster

import "testing"

func TestTemporaryBase(t *testing.T) {
	t.Setenv("TMPDIR", "/var/tmp")
	if base, err := temporaryBase(); err != nil || base != "/var/tmp" {
		t.Errorf("with TMPDIR, tests' clusters lie in %q (%v)", base, err)
	}
	t.Setenv("TMPDIR", "")
	want := "/tmp"
	if roomIn(memory) >= memoryRoom {
		want = memory
	}
	if base, err := temporaryBase(); err != nil || base != want {
		t.Errorf("without, in %q (%v), want %q", base, err, want)
	}
	if n := roomIn("/nowhere"); n != 0 {
		t.Errorf("a directory that is not there has %d bytes left", n)
	}
}
