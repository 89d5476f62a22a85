package graph

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var causeInCode = regexp.MustCompile(`Cause\{Kind: "([a-z_]+)"`)

// A line of a statement leads to what it was for: each kind of cause that entries are posted with has its name here.
func TestEveryCauseHasAName(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir("../internal", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(filepath.Dir(path), "test") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range causeInCode.FindAllStringSubmatch(string(source), -1) {
			if found++; causeKinds[match[1]] == "" {
				t.Errorf("%s posts for a cause %s, which causeKinds lacks", path, match[1])
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d causes found, %v", found, err)
	}
}
