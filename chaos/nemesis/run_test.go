package nemesis

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// programs builds what ships, or with tags what does not.
func programs(t *testing.T, tags string) string {
	t.Helper()
	testenv.RequireRoot(t)
	if dir := os.Getenv("AMPHORA_BIN"); dir != "" && tags == "" {
		return dir
	}
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", tags, "-o", dir+"/", "../../cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return dir
}

func config(t *testing.T, bin string) Config {
	return Config{Bin: bin, Seed: 1, Out: t.Output(), Keep: filepath.Join(t.ArtifactDir(), "chaos")}
}

// TestRun: a few faults of each seed's plan. `make chaos` draws more.
func TestRun(t *testing.T) {
	cfg := config(t, programs(t, ""))
	cfg.Faults = 3
	v, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range v.Bad {
		t.Error(bad)
	}
	if v.Writes == 0 || v.Faults != cfg.Faults || !strings.HasPrefix(v.String(), "PASS seed=1 faults=3 ") {
		t.Error(v)
	}
}

// TestNegativeControl: without the fence the suite notices two holders, in the
// gates' own records and on the wire.
func TestNegativeControl(t *testing.T) {
	v, err := Control(t.Context(), config(t, programs(t, "unsafe_no_fence")))
	t.Log(v, err)
	if gates, answers := v.Caught(); !gates || !answers {
		t.Errorf("two gates noticed: %v; two answers noticed: %v; %v", gates, answers, v.Bad)
	}
}

// TestControl: the same scenario with the fence.
func TestControl(t *testing.T) {
	v, err := Control(t.Context(), config(t, programs(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range v.Bad {
		t.Error(bad)
	}
}
