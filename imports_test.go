// Package amphora_test holds the rules of the house that no single package can
// check: who may import whom, and that every package says what it is for.
package amphora_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/amphora-lb/amphora/"

// thirdParty stands for every package that is not of the standard library.
const thirdParty = "third.party"

// rule says that no package below `in` may import anything below `not`, and why.
type rule struct{ in, not, why string }

var forbidden = []rule{
	{"lb", thirdParty, "the domain is plain data of the standard library"},
	{"lb", module, "the domain is at the bottom"},
	{"fsm", module + "cluster", "the state machine is given entries, it does not ask for them"},
	{"fsm", module + "proxy", "the state machine only stores"},
	{"cluster", module + "lb", "cluster replicates bytes"},
	{"cluster", module + "fsm", "cluster is given a raft.FSM"},
	{"vip", module + "lb", "vip is told addresses, not load balancers"},
	{"cluster", module + "vip", "who leads is told to internal/node, which tells vip"},
	{"cluster", module + "proxy", "cluster replicates bytes"},
	{"vip", module + "cluster", "vip is told, it never decides"},
	{"vip", module + "proxy", "owning an address and serving on it are two things"},
	{"proxy", module + "vip", "owning an address and serving on it are two things"},
	{"proxy/l7", module + "proxy/balance", "a policy chooses a pool, never a member"},
	{"proxy/sticky", module + "proxy/balance", "a table remembers, it does not choose"},
	{"internal/spread", module + "proxy", "spreading carries bytes"},
	{"internal/spread", module + "cluster", "it is given connections"},
	{"internal/spread", module + "lb", "spreading carries bytes"},
	{"vip", "github.com/hashicorp/raft", "vip is told, it never decides"},
	{"proxy", "github.com/hashicorp/raft", "the engine is told what to serve"},
	{"proxy", module + "cluster", "the engine is told what to serve"},
	{"proxy", module + "fsm", "the engine is told what to serve"},
	{"proxy/http2", module + "lb", "a codec knows messages, not load balancers"},
	{"proxy/http2", "net", "a codec is given bytes"},
	{"rpc", module + "fsm", "an API proposes through an interface of its own"},
	{"rpc", module + "cluster", "an API proposes through an interface of its own"},
	{"rpc", module + "proxy", "an API reads a view, it does not reach into the engine"},
	{"rpc/octavia", module + "rpc/keystone", "an API is told who calls by rpc/access, it does not find out"},
	{"rpc/neutron", module + "rpc/keystone", "an API is told who calls by rpc/access, it does not find out"},
	{"rpc/barbican", module + "rpc/keystone", "an API is told who calls by rpc/access, it does not find out"},
	{"rpc/keystone", module + "rpc/octavia", "who calls is found out without knowing for what"},
	{"internal/seal", module, "sealing is given bytes"},
	{"internal/password", module, "hashing is given words"},
	{"cmd/amphoractl", module + "internal/node", "the client talks gRPC"},
	{"cmd/amphoractl", module + "cluster", "the client talks gRPC"},
	{"cmd/amphorad", module + "cluster", "the wiring exists once, in internal/node"},
	{"cmd/amphorad", module + "fsm", "the wiring exists once, in internal/node"},
	{"cmd/amphorad", module + "proxy", "the wiring exists once, in internal/node"},
	{"chaos", module + "internal/node", "chaos drives real processes"},
	{"chaos", module + "cluster", "chaos drives real processes"},
	{"chaos", module + "fsm", "chaos drives real processes"},
	{"chaos", module + "proxy", "chaos drives real processes"},
	{"chaos", module + "vip", "chaos drives real processes"},
	{"internal/certs", module + "rpc", "an API asks it, it asks no API"},
	{"internal/certs", module + "fsm", "it reads the configuration through a function"},
	{"rpc/neutron", module + "internal/certs", "networks know no certificates"},
	{"rpc/barbican", module + "internal/certs", "a store does not ask what a payload means"},
	{"cmd", "testing", "no test helper in a shipped binary"},
	{"internal/node", "testing", "no test helper in a shipped binary"},
}

// only says that nothing outside `in` may import `pkg`, and why.
type only struct {
	pkg string
	in  []string
	why string
}

var reserved = []only{
	{"github.com/hashicorp/raft", []string{"cluster", "fsm"}, "consensus has one home"},
	{"go.etcd.io/bbolt", []string{"cluster", "fsm"}, "storage has one home"},
	{"github.com/hashicorp/memberlist", []string{"cluster"}, "gossip has one home"},
	{"github.com/cilium/ebpf", []string{"vip", "proxy/l4", "chaos"}, "the kernel is programmed in one place a task"},
	{"github.com/vishvananda", []string{"vip", "proxy/l4", "internal/netns", "chaos", "internal/bench"}, "addresses belong to vip and the lab"},
	{"github.com/mdlayher", []string{"vip", "chaos"}, "frames belong to vip and the lab"},
	{"golang.org/x/net/icmp", []string{"proxy/health", "vip"}, "members and gateways are pinged in one place each"},
	{"software.sslmate.com/src/go-pkcs12", []string{"internal/certs"}, "bundles are read in one place"},
	{"github.com/youmark/pkcs8", []string{"internal/certs"}, "keys are read in one place"},
}

type pkg struct {
	ImportPath string
	Doc        string
	GoFiles    []string // without tests
	Imports    []string
}

func (p pkg) dir() string { return strings.TrimPrefix(p.ImportPath, module) }

func below(path, root string) bool {
	root = strings.TrimSuffix(root, "/")
	return path == root || strings.HasPrefix(path, root+"/")
}

// matches reports whether a rule about root is about the import path too.
func matches(path, root string) bool {
	if root == thirdParty {
		host, _, _ := strings.Cut(path, "/")
		return strings.Contains(host, ".")
	}
	return below(path, root)
}

// packages lists the module's packages with what their shipped files import.
func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Doc,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("read package list: %v", err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
	if len(all) < 5 {
		t.Fatalf("only %d packages found: the test looks at the wrong place", len(all))
	}
	return all
}

func violations(all []pkg) []string {
	var bad []string
	for _, p := range all {
		for _, imp := range p.Imports {
			for _, r := range forbidden {
				// A package may import what lies below itself.
				if below(p.dir(), r.in) && matches(imp, r.not) && !below(imp, module+r.in) {
					bad = append(bad, p.dir()+" imports "+imp+": "+r.why)
				}
			}
			for _, o := range reserved {
				in := func(dir string) bool { return below(p.dir(), dir) }
				if below(imp, o.pkg) && !slices.ContainsFunc(o.in, in) {
					bad = append(bad, p.dir()+" imports "+imp+": "+o.why)
				}
			}
		}
	}
	return bad
}

func TestImports(t *testing.T) {
	for _, v := range violations(packages(t)) {
		t.Error(v)
	}
}

// The checker must be able to fail: each rule is shown a package that breaks it.
func TestImportsFindsViolations(t *testing.T) {
	for _, r := range forbidden {
		p := pkg{ImportPath: module + r.in, Imports: []string{strings.TrimSuffix(r.not, "/") + "/x"}}
		if len(violations([]pkg{p})) == 0 {
			t.Errorf("%s importing %s goes unnoticed", r.in, r.not)
		}
	}
	for _, o := range reserved {
		p := pkg{ImportPath: module + "elsewhere", Imports: []string{o.pkg}}
		if len(violations([]pkg{p})) == 0 {
			t.Errorf("elsewhere importing %s goes unnoticed", o.pkg)
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && !strings.HasSuffix(p.dir(), "pb") {
			t.Errorf("%s has no package comment", p.dir())
		}
	}
}
