package proxy

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// h2spec finds the suite, or builds it: bin/ beside the module, PATH, or the module proxy.
func h2spec(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("h2spec"); err == nil {
		return path
	}
	path, err := filepath.Abs("../bin/h2spec")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	t.Skip("SKIPPED: h2spec is not installed: make bin/h2spec builds it")
	return ""
}

var h2specResult = regexp.MustCompile(`(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed`)

// manyWindows is more than a window of a few bytes lets through, as some cases want it.
func manyWindows(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 64<<10)) }

// runH2spec requires every case to pass, the strict ones too, but for failures, and says how many did.
func runH2spec(t *testing.T, failures int, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), h2spec(t), append(args, "--strict", "--timeout", "3")...).CombinedOutput()
	m := h2specResult.FindSubmatch(out)
	if m == nil {
		t.Fatalf("h2spec gave no result: %v\n%s", err, out)
	}
	if failed, _ := strconv.Atoi(string(m[4])); failed != failures {
		t.Errorf("h2spec: %s, want %d failed\n%s", m[0], failures, out)
	}
	t.Logf("h2spec: %s", m[0])
}

// The one that fails sends what is no preface to a port that speaks HTTP/1.1 too, and takes its 400 for no answer.
func TestHTTP2SpecPriorKnowledge(t *testing.T) {
	f := newHTTP2Front(t, manyWindows, nil)
	runH2spec(t, 1, "-h", f.addr.String(), "-p", "8080")
}

func TestHTTP2SpecTLS(t *testing.T) {
	f := newTLSFront(t, Config{}, 0, nil)
	f.rig.member(f.pool, newWebServer(t, manyWindows))
	runH2spec(t, 0, "-t", "-k", "-h", f.addr.String(), "-p", strconv.Itoa(tlsPort))
}
