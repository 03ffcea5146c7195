package netns_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

// prefix keeps the names of parallel runs of this test apart.
var prefix = fmt.Sprintf("amptest%d-", os.Getpid())

// TestMain doubles as the program that the tests start inside a namespace: it
// says who it is and waits until its standard input ends.
func TestMain(m *testing.M) {
	if os.Getenv("NETNS_TEST_CHILD") != "" {
		links, _ := net.Interfaces()
		for _, l := range links {
			fmt.Println(l.Name)
		}
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func newNamespace(t *testing.T) *netns.Namespace {
	t.Helper()
	n, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func linkNames() ([]string, error) {
	links, err := net.Interfaces()
	var names []string
	for _, l := range links {
		names = append(names, l.Name)
	}
	return names, err
}

func TestDoReturnsToTheOrigin(t *testing.T) {
	testenv.RequireRoot(t)
	before, err := linkNames()
	if err != nil {
		t.Fatal(err)
	}
	n := newNamespace(t)
	if err := n.Bridge("br0"); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		var inside []string
		if err := n.Do(func() (err error) { inside, err = linkNames(); return err }); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(inside, "br0") {
			t.Fatalf("links inside are %v, want br0 among them", inside)
		}
		after, err := linkNames()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, after) {
			t.Fatalf("links outside are %v, want %v", after, before)
		}
	}
}

func TestDoPassesOnErrors(t *testing.T) {
	testenv.RequireRoot(t)
	n := newNamespace(t)
	want := errors.New("mine")
	if err := n.Do(func() error { return want }); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

func TestCable(t *testing.T) {
	testenv.RequireRoot(t)
	sw, a, b := newNamespace(t), newNamespace(t), newNamespace(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(sw.Bridge("br0"))
	for i, host := range []*netns.Namespace{a, b} {
		port := fmt.Sprintf("port%d", i)
		must(netns.Veth(sw, port, host, "eth0"))
		must(sw.Attach(port, "br0"))
		must(sw.Up(port))
		must(host.AddAddr("eth0", netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/24", i+1))))
		must(host.Up("eth0"))
	}
	must(b.Sysctl("ipv4/conf/eth0/arp_ignore", "1"))

	var ln net.Listener
	must(b.Do(func() (err error) { ln, err = net.Listen("tcp", "192.0.2.2:80"); return err }))
	defer ln.Close()
	dial := func(limit time.Duration) error {
		return a.Do(func() error {
			c, err := net.DialTimeout("tcp", "192.0.2.2:80", limit)
			if err == nil {
				err = c.Close()
			}
			return err
		})
	}
	// The first ARP request may be lost: a bridge port forwards up to a second
	// after it came up.
	must(dial(10 * time.Second))

	must(sw.Down("port1"))
	if err := dial(300 * time.Millisecond); err == nil {
		t.Fatal("connected over a link that is down")
	}
}

func TestNamedNamespaces(t *testing.T) {
	testenv.RequireRoot(t)
	t.Cleanup(func() { _, _ = netns.RemoveAll(prefix) })

	n, err := netns.NewNamed(prefix + "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := netns.NewNamed(prefix + "a"); !errors.Is(err, os.ErrExist) {
		t.Fatalf("second namespace of the same name: got %v, want %v", err, os.ErrExist)
	}
	if _, err := netns.NewNamed("../" + prefix); err == nil {
		t.Fatal("a name with a slash was accepted")
	}
	// What a crash between making the file and the mount leaves behind.
	if err := os.WriteFile("/run/netns/"+prefix+"b", nil, 0o444); err != nil {
		t.Fatal(err)
	}

	removed, err := netns.RemoveAll(prefix)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{prefix + "a", prefix + "b"}; !slices.Equal(removed, want) {
		t.Errorf("removed %v, want %v", removed, want)
	}
	if names, err := netns.Names(prefix); err != nil || len(names) != 0 {
		t.Errorf("left are %v, %v", names, err)
	}
	for range 2 {
		if err := n.Close(); err != nil {
			t.Errorf("close after its name is gone: %v", err)
		}
	}
	if _, err := netns.RemoveAll(""); err == nil {
		t.Error("an empty prefix was accepted")
	}
}

func TestStart(t *testing.T) {
	testenv.RequireRoot(t)
	n, err := netns.NewNamed(prefix + "start")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := n.Bridge("br0"); err != nil {
		t.Fatal(err)
	}

	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = []string{"NETNS_TEST_CHILD=1"}
	var out bytes.Buffer
	cmd.Stdout = &out
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(cmd); err != nil {
		t.Fatal(err)
	}
	pids, err := netns.Processes(n.Name())
	if err != nil {
		t.Error(err)
	}
	if !slices.Equal(pids, []int{cmd.Process.Pid}) {
		t.Errorf("processes inside are %v, want %d", pids, cmd.Process.Pid)
	}
	if err := stdin.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "br0") {
		t.Errorf("the program saw links %q, want br0 among them", out.String())
	}
	if pids, err := netns.Processes(n.Name()); err != nil || len(pids) != 0 {
		t.Errorf("processes inside after the end are %v, %v", pids, err)
	}
}
