package access

import "testing"

func TestMay(t *testing.T) {
	caller := func(roles ...string) Caller { return Caller{ProjectID: "mine", Roles: roles} }
	type ask struct {
		right   Right
		project string
	}
	all := []ask{
		{Read, "mine"},
		{Read, "other"},
		{Write, "mine"},
		{Write, "other"},
		{ReadAll, ""},
		{Admin, ""},
		{ReadQuota, "mine"},
		{ReadQuota, "other"},
		{WriteQuota, "other"},
		{Read, ""},
		{Write, ""},
	}
	for name, tt := range map[string]struct {
		caller Caller
		want   []bool // for each of all
	}{
		"nobody":          {Caller{}, []bool{false, false, false, false, false, false, false, false, false, false, false}},
		"no role":         {caller(), []bool{false, false, false, false, false, false, false, false, false, false, false}},
		"reader":          {caller(RoleReader), []bool{true, false, false, false, false, false, true, false, false, true, false}},
		"observer":        {caller(RoleObserver), []bool{true, false, false, false, false, false, true, false, false, true, false}},
		"member":          {caller(RoleMember), []bool{true, false, true, false, false, false, true, false, false, true, false}},
		"no project":      {Caller{Roles: []string{RoleMember}}, []bool{false, false, false, false, false, false, false, false, false, true, false}},
		"global observer": {caller(RoleGlobalObserver), []bool{true, true, false, false, true, false, true, true, false, true, false}},
		"quota admin":     {caller(RoleQuotaAdmin), []bool{false, false, false, false, false, false, true, true, true, false, false}},
		"admin":           {caller(RoleAdmin), []bool{true, true, true, true, true, true, true, true, true, true, true}},
		"open":            {Caller{Open: true}, []bool{true, true, true, true, true, true, true, true, true, true, true}},
	} {
		for i, a := range all {
			if got := tt.caller.May(a.right, a.project); got != tt.want[i] {
				t.Errorf("%s: may %d on %q: %v", name, a.right, a.project, got)
			}
		}
	}
}

func TestContext(t *testing.T) {
	if c := From(t.Context()); c.May(Read, "") {
		t.Errorf("without a caller: %+v", c)
	}
	if c := From(With(t.Context(), Caller{UserID: "u"})); c.UserID != "u" {
		t.Errorf("got %+v", c)
	}
}
