package chaos

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// filter drops frames between ports of the switch. A host's ports, its cable's and
// that of a relay in its place, are known by their link group, so that a rule
// holds for whatever carries the host's frames at the moment.
type filter struct {
	run   func(func() error) error // in the switch's namespace
	rules []*rule
}

// rule drops frames. Nil hosts are any.
type rule struct {
	from, to *Host
	percent  int    // of the frames, at random
	proto    byte   // IP protocol; 0: everything, ARP too
	port     uint16 // destination port of proto
}

func (f *filter) add(r *rule) error {
	f.rules = append(f.rules, r)
	return f.load()
}

func (f *filter) remove(r *rule) error {
	i := slices.Index(f.rules, r)
	if i < 0 {
		return nil
	}
	f.rules = slices.Delete(f.rules, i, i+1)
	return f.load()
}

// load replaces what the kernel has by the rules, at one stroke.
func (f *filter) load() error {
	err := f.run(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyBridge, Name: "lab"})
		if len(f.rules) == 0 {
			c.DelTable(table)
			return c.Flush()
		}
		chain := c.AddChain(&nftables.Chain{
			Name: "forward", Table: table, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter,
		})
		c.FlushChain(chain)
		for _, r := range f.rules {
			c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: r.exprs()})
		}
		return c.Flush()
	})
	if err != nil {
		return fmt.Errorf("load packet filter of the switch: %w", err)
	}
	return nil
}

func (r *rule) exprs() []expr.Any {
	const reg = 1
	var all []expr.Any
	equal := func(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: data} }
	group := func(key expr.MetaKey, h *Host) {
		if h != nil {
			all = append(all, &expr.Meta{Key: key, Register: reg}, equal(binaryutil.NativeEndian.PutUint32(uint32(h.linkGroup))))
		}
	}
	group(expr.MetaKeyIIFGROUP, r.from)
	group(expr.MetaKeyOIFGROUP, r.to)
	if r.proto != 0 {
		all = append(all,
			&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: reg}, equal(binaryutil.BigEndian.PutUint16(unix.ETH_P_IP)),
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg}, equal([]byte{r.proto}),
			&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}, equal(binaryutil.BigEndian.PutUint16(r.port)))
	}
	if r.percent < 100 {
		all = append(all,
			&expr.Numgen{Register: reg, Modulus: 100, Type: unix.NFT_NG_RANDOM},
			&expr.Byteorder{SourceRegister: reg, DestRegister: reg, Op: expr.ByteorderHton, Len: 4, Size: 4},
			&expr.Cmp{Op: expr.CmpOpLt, Register: reg, Data: binaryutil.BigEndian.PutUint32(uint32(r.percent))})
	}
	return append(all, &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop})
}
