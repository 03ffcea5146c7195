package main

import (
	"net/netip"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

// resource is the record of a resource: its id and name, what is special to it,
// and what every kind has.
func resource(id string, m lb.Meta, st lb.Status, special ...field) record {
	r := record{{"id", id}, {"name", m.Name}}
	r = append(r, special...)
	return append(r,
		field{"admin_state_up", m.AdminStateUp},
		field{"provisioning_status", string(st.Provisioning)},
		field{"operating_status", string(st.Operating)},
		field{"reason", optional(st.Reason)},
		field{"project_id", optional(m.ProjectID)},
		field{"tags", list0(m.Tags)},
		field{"created_at", instant(m.CreatedAt)},
		field{"updated_at", instant(m.UpdatedAt)},
		field{"revision", m.Revision},
	)
}

// owned is the record of a resource of a kind without a status.
func owned(id string, m lb.Meta, special ...field) record {
	r := record{{"id", id}, {"name", m.Name}}
	r = append(r, special...)
	return append(r,
		field{"project_id", optional(m.ProjectID)},
		field{"tags", list0(m.Tags)},
		field{"created_at", instant(m.CreatedAt)},
		field{"updated_at", instant(m.UpdatedAt)},
		field{"revision", m.Revision},
	)
}

// texts are the words of a list as text.
func texts[T ~string](all []T) []string {
	list := []string{}
	for _, t := range all {
		list = append(list, string(t))
	}
	return list
}

// optional is nil for what is not there.
func optional[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// list0 is never null in JSON.
func list0(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func instant(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func ip(a netip.Addr) any {
	if !a.IsValid() {
		return nil
	}
	return a.String()
}

func portNumber(p uint16) any {
	if p == 0 {
		return nil
	}
	return p
}
