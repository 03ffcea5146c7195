package main

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// watched makes holdings from "milliseconds who who".
func watched(t *testing.T, lines ...string) []holding {
	t.Helper()
	var holdings []holding
	for _, line := range lines {
		h, err := parseHolding(line)
		if err != nil {
			t.Fatal(err)
		}
		h.At *= instant(time.Millisecond)
		holdings = append(holdings, h)
	}
	return holdings
}

func TestJudgeHolders(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  held
	}{
		{"nothing", nil, held{}},
		{"one and the same", []string{"0 ", "2 a", "500 ", "510 a", "900 a"}, held{}},
		{"handed over", []string{"0 ", "2 a", "500 ", "510 b", "900 b"}, held{Moves: 1}},
		{"without a hole", []string{"0 a", "500 b", "900 b"}, held{Moves: 1}},
		{"both", []string{"0 a", "500 a b", "530 b", "900 b"}, held{Two: 30 * ms, Moves: 1}},
		{"both, and the first wins", []string{"0 a", "500 a b", "530 a", "900 a"}, held{Two: 30 * ms, Moves: 1}},
		{"both to the end", []string{"0 a", "500 a b", "900 a b"}, held{Two: 400 * ms, Moves: 1}},
		{"there and back", []string{"0 a", "500 ", "501 b", "700 a", "900 a"}, held{Moves: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, judgeHolders(watched(t, tt.lines...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMovedFrom(t *testing.T) {
	for _, tt := range []struct {
		line string
		last string
		want bool
	}{{"5 ", "", false}, {"5 a", "a", false}, {"5 b", "b", true}, {"5 a b", "", true}} {
		h := watched(t, "0 a", tt.line)
		if got := movedFrom(h, "a"); got != tt.want {
			t.Errorf("%q: moved %v", tt.line, got)
		}
		if got := lastHolder(h); got != tt.last {
			t.Errorf("%q: last holder %q", tt.line, got)
		}
	}
	if lastHolder(nil) != "" || movedFrom(nil, "a") {
		t.Error("of nothing")
	}
}

func TestHoldingLine(t *testing.T) {
	for _, want := range []holding{{At: 7}, {At: 123456789012, MACs: []string{"02:00:00:00:00:01", "02:00:00:00:00:02"}}} {
		got, err := parseHolding(want.String())
		if err != nil || got.At != want.At || len(got.MACs) != len(want.MACs) {
			t.Errorf("%v became %v, %v", want, got, err)
		}
	}
	if _, err := parseHolding("soon a"); err == nil {
		t.Error("no error for a line without a time")
	}
}

// An answer counts if it is a reply, to the watcher, about the VIP.
func TestAnswer(t *testing.T) {
	self := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	holder := net.HardwareAddr{2, 0, 0, 0, 0, 2}
	vip := netip.MustParseAddr("192.0.2.100")
	made := func(change func([]byte)) []byte {
		b := whoHas(self, netip.MustParseAddr("192.0.2.3"), vip)
		copy(b[:6], self)
		copy(b[6:12], holder)
		b[21] = 2
		copy(b[22:28], holder)
		copy(b[28:32], vip.AsSlice())
		change(b)
		return b
	}
	if mac, ok := answer(made(func([]byte) {}), self, vip); !ok || mac != "02:00:00:00:00:02" {
		t.Errorf("a good answer: %q, %v", mac, ok)
	}
	for name, change := range map[string]func([]byte){
		"an announcement to all": func(b []byte) { copy(b, "\xff\xff\xff\xff\xff\xff") },
		"a request":              func(b []byte) { b[21] = 1 },
		"about another address":  func(b []byte) { b[31]++ },
	} {
		if _, ok := answer(made(change), self, vip); ok {
			t.Errorf("%s counts", name)
		}
	}
	if _, ok := answer(make([]byte, 41), self, vip); ok {
		t.Error("a short frame counts")
	}
}

func TestFirstMove(t *testing.T) {
	holdings := []holding{
		{At: 1, MACs: []string{"a"}}, {At: 5}, {At: 7, MACs: []string{"a"}}, {At: 9}, {At: 10, MACs: []string{"a", "b"}}, {At: 20, MACs: []string{"a"}},
	}
	for _, tt := range []struct{ at, want instant }{{0, 1}, {3, 10}, {6, 10}, {8, 10}, {10, 0}, {15, 0}} {
		if got, ok := firstMove(holdings, tt.at); got != tt.want || ok != (tt.want != 0) {
			t.Errorf("after %d: moved at %d, %v, want %d", tt.at, got, ok, tt.want)
		}
	}
}
