package cluster

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// archive is a tar of two scripts, bin/initdb and bin/postgres, for root's eyes alone (0700), xz'd: the
// latter says that it is 16.4.
const archive = `
/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4Cf/AKRdADEaShsJm84iHsbLRwPoGC75j1UcryiPzFKhsAnYaHunyW1cft8LNREsDdZD
j9i1hTd38u8R2DaeNwhOVDsLv9dfn4NP8OeseDKkrJ5/O/yJYlPmhJ6Sq/SGkToRs8EWqd1fuUinBmQ7uvH7O5NhXJxJzqKKWC01
StOyHStWnup4bo+ySTX5ksq+o6rR7aYhzaF6QeInmpMcVu+L62RsxU/sNlEAAE3Ox4UAAbwBgFAAAOi22BI+MA2LAgAAAAABWVo=`

func TestDownload(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // where the library keeps what it downloaded
	t.Setenv("TMPDIR", t.TempDir())         // and where it leaves its log
	for _, test := range []struct {
		name     string
		checksum func([]byte) string
		status   int
		want     string // in the error; empty is success
	}{
		{"nothing there", sum, http.StatusNotFound, "no version found"},
		{"wrong checksum", func([]byte) string { return strings.Repeat("0", 64) }, http.StatusOK, "checksums do not match"},
		{"good", sum, http.StatusOK, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			scratch := t.TempDir()
			dir := filepath.Join(scratch, "programs")
			err := download(repository(t, test.status, test.checksum), embedded.V16, dir, scratch)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want one that says %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkUnpacked(t, dir)
		})
	}
}

func checkUnpacked(t *testing.T, dir string) {
	t.Helper()
	if err := makeReadable(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bin", "bin/postgres", "bin/initdb"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o055 != 0o055 {
			t.Errorf("%s has mode %v: the server's user cannot use it", name, info.Mode())
		}
	}
	if major, err := majorOf(t.Context(), filepath.Join(dir, "bin")); err != nil || major != 16 {
		t.Errorf("unpacked PostgreSQL %d, %v; want 16", major, err)
	}
}

func TestFetchOffersFewVersions(t *testing.T) {
	t.Parallel()
	if _, err := fetch(t.Context(), discard(), &home{dir: t.TempDir()}, 9); err == nil {
		t.Error("PostgreSQL 9 was fetched")
	}
}

// repository serves the archive as Maven's does: a jar around it, and the jar's checksum beside it.
func repository(t *testing.T, status int, checksum func([]byte) string) (url string) {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(archive, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	writer := zip.NewWriter(&jar)
	entry, err := writer.Create("postgres-linux.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := entry.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			_, _ = w.Write([]byte(checksum(jar.Bytes())))
			return
		}
		_, _ = w.Write(jar.Bytes())
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}
