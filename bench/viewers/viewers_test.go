//go:build linux

package viewers

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

func TestFramesComeInPieces(t *testing.T) {
	t.Parallel()
	short, long := strings.Repeat("a", 100), strings.Repeat("b", 1000)
	stream := append([]byte{0x81, 100}, short...)
	stream = append(binary.BigEndian.AppendUint16(append(stream, 0x81, 126), 1000), long...)
	for cut := range len(stream) + 1 {
		var got []string
		rest := []byte(nil)
		for _, piece := range [][]byte{stream[:cut], stream[cut:]} {
			rest = append(rest, piece...)
			for {
				op, payload, after, whole, err := nextFrame(rest)
				if err != nil || (whole && op != opText) {
					t.Fatalf("cut at %d: op %d, %v", cut, op, err)
				}
				if !whole {
					break
				}
				got, rest = append(got, string(payload)), after
			}
		}
		if len(got) != 2 || got[0] != short || got[1] != long || len(rest) > 0 {
			t.Fatalf("cut at %d: %d frames, %d bytes left", cut, len(got), len(rest))
		}
	}
}

func TestNextFrameRefusesWhatNoServerSends(t *testing.T) {
	t.Parallel()
	for name, frame := range map[string][]byte{"a fragment": {0x01, 1, 'a'}, "a masked frame": clientFrame(opText, []byte("a"))} {
		if _, _, _, _, err := nextFrame(frame); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestNextVersion(t *testing.T) {
	t.Parallel()
	for message, want := range map[string][]int64{
		`{"type":"next","id":"1","payload":{"data":{"auctionEvents":{"version":12,"kind":"X"}}}}`:    {12},
		`{"push":{"pub":{"data":{"version":7}}}}` + "\n" + `{"push":{"pub":{"data":{"version":8}}}}`: {7, 8},
		`{"id":1,"connect":{"version":"0.38"}}`:                                                      nil,
		`{}`:                                                                                         nil,
	} {
		rest, got := []byte(message), []int64(nil)
		for {
			version, after, ok := nextVersion(rest)
			if !ok {
				break
			}
			got, rest = append(got, version), after
		}
		if len(got) != len(want) || (len(want) > 0 && got[len(got)-1] != want[len(want)-1]) {
			t.Errorf("%s: %v, want %v", message, got, want)
		}
	}
}

// A tally sees what is lost, and measures to the last viewer.
func TestTally(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	message := []byte(`{"version":1,"at":"` + made.Format(time.RFC3339Nano) + `"}`)
	var tt tally
	a, b := &viewer{version: 6}, &viewer{version: 6}
	tt.note(a, 7, message, made.Add(10*time.Millisecond), true)
	tt.note(b, 7, message, made.Add(30*time.Millisecond), true)
	tt.note(a, 9, message, made.Add(40*time.Millisecond), true) // a.version is still 6
	c := tt.take()
	if c.Messages != 3 || c.Jumps != 1 || c.Events != 3 {
		t.Errorf("%d messages, %d jumps, %d events", c.Messages, c.Jumps, c.Events)
	}
	if c.Last.P50 != 40 || c.Each.P999 < 40 || c.Each.P999 > 40.1 {
		t.Errorf("to the last viewer %v, to each %v", c.Last, c.Each)
	}
	if again := tt.take(); again.Messages != 0 || again.Events != 0 {
		t.Errorf("begun anew with %+v", again)
	}
}
