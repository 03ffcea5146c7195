package gate

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The sets of the table. open and enabled and claimed hold one constant element or
// none: nftables has no variables.
const (
	setVIP4    = "vip4"
	setVIP6    = "vip6"
	setPeers   = "peers"
	setOpen    = "open"    // with a time-out: the lease
	setEnabled = "enabled" // taken away by the supervisor
	setClaimed = "claimed" // with a time-out: a peer claimed an address just now
)

// claimPause is how long the gate stays shut after a claim, whatever the worker says: no
// round that was sent before takes longer to be acknowledged.
const claimPause = 100 * time.Millisecond

var element = []nftables.SetElement{{Key: []byte{0, 0, 0, 1}}}

// nftTable is the table of one interface. Its socket stays in the network namespace of
// the thread that dialled it.
type nftTable struct {
	conn  *nftables.Conn
	iface string
	table *nftables.Table
}

func dialTable(iface string) (*nftTable, error) {
	conn, err := nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, fmt.Errorf("open nftables: %w", err)
	}
	return &nftTable{conn, iface, &nftables.Table{Family: nftables.TableFamilyNetdev, Name: tableName(iface)}}, nil
}

// tableName is the table's: nft(8) takes letters, digits and underscores.
func tableName(iface string) string {
	name := "amphora_"
	for _, c := range []byte(iface) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			name += string(c)
		} else {
			name += fmt.Sprintf("_%02x", c)
		}
	}
	return name
}

// Close closes the socket and leaves the table.
func (t *nftTable) Close() error { return t.conn.CloseLasting() }

func (t *nftTable) sets() map[string]*nftables.Set {
	all := map[string]*nftables.Set{
		setVIP4:    {KeyType: nftables.TypeIPAddr},
		setVIP6:    {KeyType: nftables.TypeIP6Addr},
		setPeers:   {KeyType: nftables.TypeEtherAddr},
		setOpen:    {KeyType: nftables.TypeMark, HasTimeout: true, Dynamic: true, Size: 4},
		setEnabled: {KeyType: nftables.TypeMark},
		setClaimed: {KeyType: nftables.TypeMark, HasTimeout: true, Dynamic: true, Size: 4},
	}
	for i, name := range []string{setVIP4, setVIP6, setPeers, setOpen, setEnabled, setClaimed} {
		all[name].Table, all[name].Name, all[name].ID = t.table, name, uint32(i+1)
	}
	return all
}

// build makes the table anew in one transaction, shut, with these addresses and peers, or,
// where they are nil, those that it had.
func (t *nftTable) build(vips []netip.Addr, macs []net.HardwareAddr) error {
	content := map[string][]nftables.SetElement{setPeers: macElements(macs)}
	content[setVIP4], content[setVIP6] = addrElements(vips)
	exists, err := t.exists()
	if err != nil {
		return err
	}
	for set, known := range map[string]bool{setVIP4: vips != nil, setVIP6: vips != nil, setPeers: macs != nil} {
		if !exists || known {
			continue
		}
		if content[set], err = t.elements(set); err != nil {
			return err
		}
	}
	t.conn.AddTable(t.table)
	t.conn.DelTable(t.table)
	t.conn.AddTable(t.table)
	for name, s := range t.sets() {
		if err := t.conn.AddSet(s, content[name]); err != nil {
			return fmt.Errorf("build set %s: %w", name, err)
		}
	}
	t.addRules()
	if err := t.conn.Flush(); err != nil {
		return fmt.Errorf("build table %s: the kernel needs nftables with sets and both hooks of netdev, 5.16 or newer: %w", t.table.Name, err)
	}
	return nil
}

// exists reports whether there is a table: lists of what is not there are errors that
// say nothing.
func (t *nftTable) exists() (bool, error) {
	tables, err := t.conn.ListTablesOfFamily(nftables.TableFamilyNetdev)
	if err != nil {
		return false, fmt.Errorf("list tables: %w", err)
	}
	for _, other := range tables {
		if other.Name == t.table.Name {
			return true, nil
		}
	}
	return false, nil
}

func (t *nftTable) elements(set string) ([]nftables.SetElement, error) {
	list, err := t.conn.GetSetElements(t.sets()[set])
	if err != nil {
		return nil, fmt.Errorf("read set %s of table %s: %w", set, t.table.Name, err)
	}
	return list, nil
}

// attached reports whether both chains are at an interface.
func (t *nftTable) attached() bool {
	chains, err := t.conn.ListChainsOfTableFamily(nftables.TableFamilyNetdev)
	if err != nil {
		return false
	}
	n := 0
	for _, c := range chains {
		if c.Table.Name == t.table.Name && c.Hooknum != nil {
			n++
		}
	}
	return n == 2
}

func (t *nftTable) setVIPs(addrs []netip.Addr) error {
	v4, v6 := addrElements(addrs)
	return errors.Join(t.fill(setVIP4, v4), t.fill(setVIP6, v6), t.flush("guard the addresses"))
}

func addrElements(addrs []netip.Addr) (v4, v6 []nftables.SetElement) {
	for _, a := range addrs {
		if a = a.Unmap(); a.Is4() {
			v4 = append(v4, nftables.SetElement{Key: a.AsSlice()})
		} else {
			v6 = append(v6, nftables.SetElement{Key: a.AsSlice()})
		}
	}
	return v4, v6
}

func (t *nftTable) setPeers(macs []net.HardwareAddr) error {
	return errors.Join(t.fill(setPeers, macElements(macs)), t.flush("set peers"))
}

func macElements(macs []net.HardwareAddr) (list []nftables.SetElement) {
	for _, mac := range macs {
		list = append(list, nftables.SetElement{Key: mac})
	}
	return list
}

// fill makes list the elements of the set, with the next flush.
func (t *nftTable) fill(set string, list []nftables.SetElement) error {
	s := t.sets()[set]
	t.conn.FlushSet(s)
	if len(list) == 0 {
		return nil
	}
	return t.conn.SetAddElements(s, list)
}

// replace puts the element into the set, with the next flush, whether it is there or
// not; without a value it takes it away.
func (t *nftTable) replace(set string, value []nftables.SetElement) error {
	s := t.sets()[set]
	err := errors.Join(t.conn.SetAddElements(s, element), t.conn.SetDeleteElements(s, element))
	if value != nil {
		err = errors.Join(err, t.conn.SetAddElements(s, value))
	}
	return err
}

func (t *nftTable) flush(what string) error {
	if err := t.conn.Flush(); err != nil {
		return fmt.Errorf("%s in table %s: %w", what, t.table.Name, err)
	}
	return nil
}

// open opens the table for so long, in one transaction. enable is for the first time,
// and the first after the supervisor has disabled it.
func (t *nftTable) open(d time.Duration, enable bool) error {
	err := t.replace(setOpen, []nftables.SetElement{{Key: element[0].Key, Timeout: d}})
	if enable {
		err = errors.Join(err, t.replace(setEnabled, element))
	}
	return errors.Join(err, t.flush("open"))
}

// shut takes the lease away.
func (t *nftTable) shut() error {
	return errors.Join(t.replace(setOpen, nil), t.flush("shut"))
}

// shutBelow disables the table for terms below min: an Extend that is on its way adds to
// a set that opens nothing. The worker enables it again when it has seen the floor.
func (t *nftTable) shutBelow(m *memory, min uint64) error {
	if m.current().term >= min {
		return nil
	}
	err := errors.Join(t.replace(setEnabled, nil), t.replace(setOpen, nil), t.flush("disable"))
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// claimedAt is when a peer last claimed an address, 0 if that is longer ago than
// claimPause.
func (t *nftTable) claimedAt() (int64, error) {
	list, err := t.elements(setClaimed)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return now() - int64(claimPause-list[0].Expires), nil
}

func (t *nftTable) remove() error {
	t.conn.AddTable(t.table)
	t.conn.DelTable(t.table)
	return t.flush("remove")
}

func (t *nftTable) state(s *State) error {
	for _, set := range []string{setVIP4, setVIP6} {
		list, err := t.elements(set)
		if err != nil {
			return err
		}
		for _, e := range list {
			a, _ := netip.AddrFromSlice(e.Key)
			s.VIPs = append(s.VIPs, a)
		}
	}
	list, err := t.elements(setPeers)
	for _, e := range list {
		s.Peers = append(s.Peers, net.HardwareAddr(e.Key).String())
	}
	return err
}

// stats reads the counters of the rules: see addJudge and addClaim.
func (t *nftTable) stats() (s Stats, err error) {
	counters := func(chain string) (n [3]uint64) {
		rules, e := t.conn.GetRules(t.table, &nftables.Chain{Name: chain, Table: t.table})
		err = errors.Join(err, e)
		i := 0
		for _, r := range rules {
			for _, x := range r.Exprs {
				if c, ok := x.(*expr.Counter); ok && i < len(n) {
					n[i] = c.Packets
					i++
				}
			}
		}
		return n
	}
	of := func(n [3]uint64) Counters {
		return Counters{DroppedClaimed: n[0], Passed: n[1], DroppedExpired: n[2]}
	}
	s.Ingress, s.Egress = of(counters(chainJudge+hookIn)), of(counters(chainJudge+hookOut))
	claims := counters(chainClaim)
	s.Claims, s.Strangers = claims[0], claims[1]
	if err != nil {
		return s, fmt.Errorf("read counters of table %s: %w", t.table.Name, err)
	}
	return s, nil
}
