package octavia

import (
	"iter"
	"net/http"
	"net/netip"
	"slices"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// memberRow is a member as a snapshot shows it.
type memberRow struct {
	placed
	*lb.Member
}

func (r memberRow) meta() *lb.Meta { return &r.Meta }

var members = owned(resource[memberRow, lb.MemberSpec]{
	kind: lb.KindMember, one: "member", many: "members", links: "members_links", arg: "member_",
	attrs: memberAttributes,
	form:  memberForm,
	id:    func(r memberRow) string { return string(r.ID) },
	all: func(c *call, s *snapshot) (iter.Seq[memberRow], error) {
		p, err := c.parentPool(s)
		if err == nil {
			err = c.may(access.Read, p.project())
		}
		return func(yield func(memberRow) bool) {
			for _, m := range p.Members {
				if !yield(memberRow{p.placed, m}) {
					return
				}
			}
		}, err
	},
	find: func(c *call, s *snapshot, id string) (memberRow, bool, error) {
		p, err := c.parentPool(s)
		if err != nil {
			return memberRow{}, false, err
		}
		for _, m := range p.Members {
			if string(m.ID) == id {
				return memberRow{p.placed, m}, true, nil
			}
		}
		return memberRow{}, false, nil
	},
	create: func(c *call, s *snapshot, spec *lb.MemberSpec) (string, lb.Op, error) {
		p, err := c.parentPool(s)
		if err != nil {
			return "", nil, err
		}
		spec.PoolID = lb.Some(p.ID)
		return p.child(&spec.MetaSpec), lb.CreateMember{Spec: *spec}, nil
	},
	update: func(_ *call, r memberRow, spec *lb.MemberSpec) (lb.Op, error) {
		return lb.UpdateMember{ID: r.ID, Spec: *spec}, nil
	},
	remove: func(_ *call, r memberRow) (lb.Op, error) { return lb.DeleteMember{ID: r.ID}, nil },
}, memberRow.meta, func(r memberRow) placed { return r.placed })

// parentPool is the pool that the path of a member names.
func (c *call) parentPool(s *snapshot) (poolRow, error) {
	p, ok := s.pool(c.id(0))
	if !ok {
		return poolRow{Pool: &lb.Pool{}}, &fault{status: http.StatusNotFound, pecan: true, text: "Pool " + c.ids[0] + " not found."}
	}
	return p, nil
}

var memberAttributes = slices.Concat(
	[]attribute[memberRow]{
		{"id", func(r memberRow) any { return string(r.ID) }},
		{"name", func(r memberRow) any { return r.Name }},
	},
	metaAttributes(memberRow.meta, func(r memberRow) lb.Status { return r.status(string(r.ID)) }),
	[]attribute[memberRow]{
		{"address", func(r memberRow) any { return r.Address.String() }},
		{"protocol_port", func(r memberRow) any { return int(r.ProtocolPort) }},
		{"weight", func(r memberRow) any { return r.Weight }},
		{"backup", func(r memberRow) any { return r.Backup }},
		{"subnet_id", func(r memberRow) any { return orNull(r.SubnetID) }},
		{"monitor_address", func(r memberRow) any {
			if !r.MonitorAddress.IsValid() {
				return nil
			}
			return r.MonitorAddress.String()
		}},
		{"monitor_port", func(r memberRow) any {
			if r.MonitorPort == 0 {
				return nil
			}
			return int(r.MonitorPort)
		}},
		{"vnic_type", func(r memberRow) any {
			if r.SRIOV {
				return vnicDirect
			}
			return vnicNormal
		}},
	},
)

// The types of virtual network card that ports are shown with.
const (
	vnicNormal = "normal"
	vnicDirect = "direct"
)

var memberForm = slices.Concat(
	metaForm(func(s *lb.MemberSpec) *lb.MetaSpec { return &s.MetaSpec }),
	object[lb.MemberSpec]{
		field("name", func(s *lb.MemberSpec) *lb.Opt[string] { return &s.Name }, textOf(255)),
		field("address", func(s *lb.MemberSpec) *lb.Opt[netip.Addr] { return &s.Address }, addrOf).must().create(),
		field("protocol_port", func(s *lb.MemberSpec) *lb.Opt[int] { return &s.ProtocolPort }, intOf(1, 65535)).must().create(),
		field("weight", func(s *lb.MemberSpec) *lb.Opt[int] { return &s.Weight }, intOf(0, 256)),
		field("backup", func(s *lb.MemberSpec) *lb.Opt[bool] { return &s.Backup }, boolOf),
		field("subnet_id", func(s *lb.MemberSpec) *lb.Opt[lb.SubnetID] { return &s.SubnetID }, idOf[lb.SubnetID]).create(),
		field("monitor_address", func(s *lb.MemberSpec) *lb.Opt[netip.Addr] { return &s.MonitorAddress }, addrOf),
		field("monitor_port", func(s *lb.MemberSpec) *lb.Opt[int] { return &s.MonitorPort }, intOf(1, 65535)),
		field("request_sriov", func(s *lb.MemberSpec) *lb.Opt[bool] { return &s.SRIOV }, boolOf).create(),
	},
)

// putMembers makes the members of a pool those that the request lists, or only adds and
// changes those with additive_only.
func putMembers(c *call) error {
	if err := c.could(members.write); err != nil {
		return err
	}
	s, err := c.read()
	if err != nil {
		return err
	}
	p, err := c.parentPool(s)
	if err != nil {
		return err
	}
	if err := c.may(members.write, p.project()); err != nil {
		return err
	}
	op := lb.SetMembers{PoolID: p.ID, AdditiveOnly: c.flag("additive_only")}
	err = decodeBody(c.body, "members_", "members", func(v any) error {
		list, err := items(v)
		if err != nil {
			return err
		}
		for _, item := range list {
			var m lb.MemberSpec
			if err := memberForm.decode(&m, item, post); err != nil {
				return err
			}
			p.child(&m.MetaSpec)
			asListed(&m)
			op.Members = append(op.Members, m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, _, err := c.propose(op); err != nil {
		return err
	}
	return c.accepted()
}

// asListed gives a member of a batch the defaults of a POST, which it gets as well if it
// is there already. Its other attributes stay then.
func asListed(m *lb.MemberSpec) {
	orDefault(&m.AdminStateUp, lb.Some(true))
	orDefault(&m.Weight, lb.Some(1))
	orDefault(&m.Backup, lb.Some(false))
	orDefault(&m.MonitorAddress, lb.Null[netip.Addr]())
	orDefault(&m.MonitorPort, lb.Null[int]())
}

func orDefault[T any](o *lb.Opt[T], other lb.Opt[T]) {
	if o.IsAbsent() {
		*o = other
	}
}

// flag reads a truth value of the query; anything but a word for true is false.
func (c *call) flag(name string) bool {
	b, ok := boolWord(c.query.Get(name))
	return ok && b
}
