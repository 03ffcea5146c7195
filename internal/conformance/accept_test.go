package conformance

import (
	"os"
	"strings"
	"testing"
)

// The table of differences in docs/api.md is the list of what the differential test
// accepts, line by line.
func TestDifferencesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "### Differences from Octavia, and why\n")
	_, table, found2 := strings.Cut(rest, "| --- | --- |\n")
	table, _, found3 := strings.Cut(table, "\n\n")
	if !found || !found2 || !found3 {
		t.Fatal("docs/api.md has no table of differences")
	}
	rows := strings.Split(table, "\n")
	for i := range max(len(rows), len(acceptedDifferences)) {
		var got, want string
		if i < len(rows) {
			got = rows[i]
		}
		if i < len(acceptedDifferences) {
			want = "| " + acceptedDifferences[i].what + " | " + acceptedDifferences[i].why + " |"
		}
		if got != want {
			t.Fatalf("row %d is\n%s\nand the test accepts\n%s", i+1, got, want)
		}
	}
}
