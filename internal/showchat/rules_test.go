package showchat

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/text"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// ago are times before noon.
func ago(all ...time.Duration) []time.Time {
	times := make([]time.Time, len(all))
	for i, d := range all {
		times[i] = noon.Add(-d)
	}
	return times
}

func TestJudge(t *testing.T) {
	t.Parallel()
	open := room{open: true, now: noon}
	slow := room{open: true, now: noon, Chat: Chat{SlowMode: 30 * time.Second}}
	until := func(d time.Duration) *time.Time { at := noon.Add(d); return &at }
	ten := func(last time.Duration) []time.Time {
		return append(ago(0, 0, 0, 1, 1, 1, 1, 1, 1), noon.Add(-last))
	}
	for name, c := range map[string]struct {
		room room
		who  standing
		say  string
		err  *fault.Error
		wait time.Duration
	}{
		"anybody":                        {open, standing{}, "hello", nil, 0},
		"in a show that is over":         {room{now: noon}, standing{keeper: true}, "hello", ErrClosed, 0},
		"a banned one":                   {open, standing{banned: true, mutedUntil: until(1)}, "hello", ErrBanned, 0},
		"a muted one":                    {open, standing{mutedUntil: until(time.Minute)}, "hello", ErrMuted, time.Minute},
		"one whose mute ends now":        {open, standing{mutedUntil: until(0)}, "hello", nil, 0},
		"one who was muted":              {open, standing{mutedUntil: until(-1)}, "hello", nil, 0},
		"a blocked word":                 {open, standing{}, "this is SPÄM!", ErrWord, 0},
		"within a word":                  {open, standing{}, "spammer", nil, 0},
		"two words":                      {open, standing{}, "click, HERE now", ErrWord, 0},
		"two words in another order":     {open, standing{}, "here click", nil, 0},
		"an Arabic word":                 {open, standing{}, "هذا مُمْنـوعٌ هنا", ErrWord, 0},
		"hidden by a joiner":             {open, standing{}, "sp\u200bam", ErrWord, 0},
		"from a moderator":               {open, standing{keeper: true}, "what is spam?", nil, 0},
		"the tenth within ten seconds":   {open, standing{recent: ten(0)[1:]}, "hello", nil, 0},
		"the eleventh":                   {open, standing{recent: ten(4 * time.Second)}, "hello", ErrTooFast, 6 * time.Second},
		"the eleventh of a moderator":    {open, standing{keeper: true, recent: ten(0)}, "hello", nil, 0},
		"the eleventh after ten seconds": {open, standing{recent: ten(10 * time.Second)}, "hello", nil, 0},
		"the first in slow mode":         {slow, standing{}, "hello", nil, 0},
		"the second in slow mode":        {slow, standing{recent: ago(10 * time.Second)}, "hello", ErrSlowMode, 20 * time.Second},
		"after the time of slow mode":    {slow, standing{recent: ago(30 * time.Second)}, "hello", nil, 0},
		"a moderator in slow mode":       {slow, standing{keeper: true, recent: ago(0)}, "hello", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.room.judge(&c.who, text.Words(c.say), newWordList([]string{"spam", "Click here", "ممنوع"}))
			if c.err == nil {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			f, _ := fault.As(err)
			if c.wait > 0 && (f.Data["wait"] != c.wait || !f.Data["until"].(time.Time).Equal(noon.Add(c.wait))) {
				t.Errorf("to wait: %v", f.Data)
			}
		})
	}
}

func TestHandlesIn(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"hello":                       "",
		"@Ada":                        "ada",
		"@ada, look":                  "ada look/ada",
		"hi @Ben Ali Khan the first!": "ben ali khan the/ben ali khan/ben ali/ben",
		"ada@example.com":             "",
		"@ ada @@ @":                  "",
		"@a@b":                        "a b/a",
		"(@a) @b":                     "a b/a|b",
		"@1 @2 @3 @4 @5 @6 @7":        "1 2 3 4/1 2 3/1 2/1|2 3 4 5/2 3 4/2 3/2|3 4 5 6/3 4 5/3 4/3|4 5 6 7/4 5 6/4 5/4|5 6 7/5 6/5",
		"@أحمد":                       "احمد",
		"@\xff":                       "",
	} {
		var got []string
		for _, candidates := range handlesIn(body) {
			got = append(got, strings.Join(candidates, "/"))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q may mention %q, want %q", body, strings.Join(got, "|"), want)
		}
	}
}

func TestMentioned(t *testing.T) {
	t.Parallel()
	ben, benAli := uuid.New(), uuid.New()
	users := map[string]uuid.UUID{"ben": ben, "ben ali": benAli}
	if got := mentioned(handlesIn("@ben ali, @ben! @ben ali @nobody"), users); !slices.Equal(got, []uuid.UUID{benAli, ben}) {
		t.Errorf("got %v, want %v", got, []uuid.UUID{benAli, ben})
	}
}

func TestFitting(t *testing.T) {
	t.Parallel()
	long := post{SendInput: SendInput{Body: strings.Repeat("x", 2_000)}}
	if n := fitting(slices.Repeat([]post{long}, 40)); n != 16 {
		t.Errorf("%d of 40 long ones", n)
	}
	if n := fitting([]post{{SendInput: SendInput{Body: strings.Repeat("x", maxBatchText+1)}}, long}); n != 1 {
		t.Errorf("%d where one is too long by itself", n)
	}
	if n := fitting(slices.Repeat([]post{{SendInput: SendInput{Body: "hello"}}}, 256)); n != 256 {
		t.Errorf("%d of 256 short ones", n)
	}
}
