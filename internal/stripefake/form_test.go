package stripefake

import (
	"net/url"
	"os"
	"testing"
)

func TestParseForm(t *testing.T) {
	t.Parallel()
	values, err := url.ParseQuery("amount=5&metadata[a]=1&metadata[b]=&expand[]=x&expand[]=y&list[1]=q&list[0]=p&card[owner][name]=n")
	if err != nil {
		t.Fatal(err)
	}
	f, problem := parseForm(values)
	if problem != nil {
		t.Fatal(problem.Message)
	}
	if n, _ := f.integer("amount", 0); n != 5 {
		t.Errorf("amount %d", n)
	}
	if l := f.list("expand"); len(l) != 2 || l[0] != "x" || l[1] != "y" {
		t.Errorf("expand %v", l)
	}
	if l := f.list("list"); len(l) != 2 || l[0] != "p" || l[1] != "q" {
		t.Errorf("list %v", l)
	}
	if f.str("card", "owner", "name") != "n" || f.has("card", "colour") || !f.has("card") {
		t.Errorf("card %+v", f.at("card"))
	}
	merged, _ := f.mergeMetadata(map[string]string{"b": "old", "c": "kept"})
	if merged["a"] != "1" || merged["c"] != "kept" || len(merged) != 2 {
		t.Errorf("metadata %v", merged)
	}
	for _, bad := range []string{"a[b=1", "a[b]c=1", "[x]=1", "a[[b]]=1"} {
		values, err := url.ParseQuery(bad)
		if err != nil {
			t.Fatal(err)
		}
		if _, problem := parseForm(values); problem == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// copyWith is the state file as it is now, with something appended, under another name.
func copyWith(t *testing.T, path, tail string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".copy", append(raw, tail...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path + ".copy"
}
