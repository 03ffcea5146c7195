package gate

import (
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The chains: one at each hook, one for each that judges what concerns an address,
// and one for claims.
const (
	hookIn     = "ingress"
	hookOut    = "egress"
	chainJudge = "judge_"
	chainClaim = "claim"
)

// Operations of a dynset expression (include/uapi/linux/netfilter/nf_tables.h).
const (
	dynsetUpdate = 1
	dynsetDelete = 2
)

// addRules adds what gate.c says in C, with the next flush.
func (t *nftTable) addRules() {
	// The chains that others go to must exist first.
	for _, name := range []string{chainJudge + hookIn, chainJudge + hookOut, chainClaim} {
		t.conn.AddChain(&nftables.Chain{Name: name, Table: t.table})
	}
	t.addJudge(hookIn)
	t.addJudge(hookOut)
	t.addClaim()
	for name, hook := range map[string]*nftables.ChainHook{
		hookIn: nftables.ChainHookIngress, hookOut: nftables.ChainHookEgress,
	} {
		t.conn.AddChain(&nftables.Chain{
			Name: name, Table: t.table, Type: nftables.ChainTypeFilter,
			Hooknum: hook, Priority: nftables.ChainPriorityFirst, Device: t.iface,
		})
	}
	// Rules see the frame as it is on the wire, with its VLAN tags.
	const ethernet, tag, maxTags = 14, 4, 2
	for tags := range uint32(maxTags + 1) {
		l3 := ethernet + tags*tag
		t.addIngress(l3)
		t.addEgress(l3)
		for _, hook := range []string{hookIn, hookOut} {
			if tags < maxTags { // frames without a tag are through
				t.rule(hook, []expr.Any{
					load(l3-2, 2), differs(unix.ETH_P_8021Q), differs(unix.ETH_P_8021AD),
				}, accept())
			}
		}
	}
}

func (t *nftTable) addIngress(l3 uint32) {
	const in, judge = hookIn, chainJudge + hookIn
	arp, ip, ip6 := frame(l3, unix.ETH_P_ARP), frame(l3, unix.ETH_P_IP), frame(l3, unix.ETH_P_IPV6)
	ns, na := nd(l3, 135), nd(l3, 136)
	t.rule(in, ip, member(l3+16, 4, setVIP4), to(judge))
	t.rule(in, arp, member(l3+14, 4, setVIP4), to(chainClaim))
	t.rule(in, arp, member(l3+24, 4, setVIP4), to(judge))
	t.rule(in, ip6, member(l3+24, 16, setVIP6), to(judge))
	t.rule(in, ip6, ns, member(l3+8, 16, setVIP6), to(chainClaim))
	t.rule(in, ip6, ns, member(l3+48, 16, setVIP6), to(judge))
	t.rule(in, ip6, na, member(l3+48, 16, setVIP6), to(chainClaim))
}

func (t *nftTable) addEgress(l3 uint32) {
	const out, judge = hookOut, chainJudge + hookOut
	arp, ip, ip6 := frame(l3, unix.ETH_P_ARP), frame(l3, unix.ETH_P_IP), frame(l3, unix.ETH_P_IPV6)
	t.rule(out, ip, member(l3+12, 4, setVIP4), to(judge))
	t.rule(out, arp, member(l3+14, 4, setVIP4), to(judge))
	t.rule(out, ip6, member(l3+8, 16, setVIP6), to(judge))
	t.rule(out, ip6, nd(l3, 136), member(l3+48, 16, setVIP6), to(judge))
}

// addJudge passes while the lease lasts, the supervisor has not disabled it, and no
// peer has just claimed an address. stats knows the order of the counters.
func (t *nftTable) addJudge(hook string) {
	chain := chainJudge + hook
	t.rule(chain, has(setClaimed), dropped())
	t.rule(chain, has(setEnabled), has(setOpen), passed())
	t.rule(chain, dropped())
}

// addClaim shuts the table when a peer says that it has an address: for good, until the
// worker opens it, and for claimPause in any case.
func (t *nftTable) addClaim() {
	const srcMAC = 6
	key := &expr.Immediate{Register: 1, Data: element[0].Key}
	t.rule(chainClaim, member(srcMAC, 6, setPeers), []expr.Any{
		&expr.Counter{},
		key,
		&expr.Dynset{SrcRegKey: 1, SetName: setClaimed, Operation: dynsetUpdate, Timeout: claimPause},
		&expr.Dynset{SrcRegKey: 1, SetName: setOpen, Operation: dynsetDelete},
	}, accept())
	t.rule(chainClaim, passed())
}

func (t *nftTable) rule(chain string, parts ...[]expr.Any) {
	r := &nftables.Rule{Table: t.table, Chain: &nftables.Chain{Name: chain, Table: t.table}}
	for _, p := range parts {
		r.Exprs = append(r.Exprs, p...)
	}
	t.conn.AddRule(r)
}

// load reads bytes of the frame into register 1.
func load(off, n uint32) expr.Any {
	return &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: off, Len: n}
}

func equals(b ...byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: b} }

func differs(kind uint16) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{byte(kind >> 8), byte(kind)}}
}

// frame matches the type before the network header.
func frame(l3 uint32, kind uint16) []expr.Any {
	return []expr.Any{load(l3-2, 2), equals(byte(kind>>8), byte(kind))}
}

// nd matches an ICMPv6 message of the type right behind the IPv6 header.
func nd(l3 uint32, kind byte) []expr.Any {
	return []expr.Any{load(l3+6, 1), equals(58), load(l3+40, 1), equals(kind)}
}

// member matches when the bytes are in the set.
func member(off, n uint32, set string) []expr.Any {
	return []expr.Any{load(off, n), &expr.Lookup{SourceRegister: 1, SetName: set}}
}

// has matches when the set has its element.
func has(set string) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: element[0].Key},
		&expr.Lookup{SourceRegister: 1, SetName: set},
	}
}

func to(chain string) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}}
}

func accept() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}} }

func passed() []expr.Any {
	return []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictAccept}}
}

func dropped() []expr.Any {
	return []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop}}
}
