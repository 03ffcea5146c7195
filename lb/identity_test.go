package lb

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var bcrypted = "$2a$10$" + strings.Repeat("x", 53)

func (w *world) project(name string) string {
	w.t.Helper()
	return w.do(CreateProject{Spec: ProjectSpec{Name: Some(name)}})
}

func (w *world) user(name string) string {
	w.t.Helper()
	return w.do(CreateUser{Spec: UserSpec{Name: Some(name)}})
}

func (w *world) secret(project string) SecretID {
	w.t.Helper()
	return SecretID(w.do(CreateSecret{Spec: SecretSpec{MetaSpec: MetaSpec{ProjectID: Some(project)}}}))
}

func (w *world) refused(op Op, kind error, field, msg string) {
	w.t.Helper()
	_, _, _, err := Apply(w.cfg, w.stamp(op))
	if t, ok := w.t.(*testing.T); ok {
		checkError(t, err, kind, field, msg)
	}
}

func TestProjectRules(t *testing.T) {
	fresh := func(t *testing.T) (*world, ProjectSpec) {
		w := newWorld(t)
		w.project("taken")
		return w, ProjectSpec{Name: Some("demo")}
	}
	rules := []rule[ProjectSpec]{
		{"no name", func(s *ProjectSpec) { s.Name = Opt[string]{} }, ErrInvalid, "name", "required"},
		{"empty name", func(s *ProjectSpec) { s.Name = Some(" ") }, ErrInvalid, "name", "cannot be empty"},
		{"longest name", func(s *ProjectSpec) { s.Name = Some(strings.Repeat("é", 64)) }, nil, "", ""},
		{"name too long", func(s *ProjectSpec) { s.Name = Some(strings.Repeat("é", 65)) }, ErrInvalid, "name", "at most 64"},
		{"name taken", func(s *ProjectSpec) { s.Name = Some("taken") }, ErrConflict, "name", "must be unique"},
		{"description too long", func(s *ProjectSpec) { s.Description = Some(strings.Repeat("x", 256)) }, ErrInvalid, "description", "at most 255"},
		{"tag too long", func(s *ProjectSpec) { s.Tags = Some([]string{strings.Repeat("x", 256)}) }, ErrInvalid, "tags", "at most 255"},
		{"tags", func(s *ProjectSpec) { s.Tags = Some([]string{"b", "a", "b"}) }, nil, "", ""},
	}
	checkRules(t, fresh, func(s ProjectSpec) Op { return CreateProject{Spec: s} }, rules)
	t.Run("update", func(t *testing.T) {
		var id string
		fresh := func(t *testing.T) (*world, ProjectSpec) {
			w, s := fresh(t)
			id = w.do(CreateProject{Spec: s})
			return w, s
		}
		rules[0] = rule[ProjectSpec]{"null name", func(s *ProjectSpec) { s.Name = Null[string]() }, ErrInvalid, "name", "cannot be null"}
		checkRules(t, fresh, func(s ProjectSpec) Op { return UpdateProject{ID: id, Spec: s} }, rules)
	})
}

func TestUserRules(t *testing.T) {
	var project string
	fresh := func(t *testing.T) (*world, UserSpec) {
		w := newWorld(t)
		w.user("taken")
		project = w.project("demo")
		return w, UserSpec{Name: Some("ann"), PasswordHash: Some(bcrypted)}
	}
	checkRules(t, fresh, func(s UserSpec) Op { return CreateUser{Spec: s} }, []rule[UserSpec]{
		{"no name", func(s *UserSpec) { s.Name = Opt[string]{} }, ErrInvalid, "name", "required"},
		{"empty name", func(s *UserSpec) { s.Name = Some("") }, ErrInvalid, "name", "cannot be empty"},
		{"name too long", func(s *UserSpec) { s.Name = Some(strings.Repeat("x", 256)) }, ErrInvalid, "name", "at most 255"},
		{"name taken", func(s *UserSpec) { s.Name = Some("taken") }, ErrConflict, "name", "must be unique"},
		{"email too long", func(s *UserSpec) { s.Email = Some(strings.Repeat("x", 256)) }, ErrInvalid, "email", "at most 255"},
		{"description too long", func(s *UserSpec) { s.Description = Some(strings.Repeat("x", 256)) }, ErrInvalid, "description", "at most 255"},
		{"default project", func(s *UserSpec) { s.DefaultProjectID = Some(project) }, nil, "", ""},
		{"unknown project", func(s *UserSpec) { s.DefaultProjectID = Some("x") }, ErrNotFound, "default_project_id", "does not exist"},
		{"password in clear", func(s *UserSpec) { s.PasswordHash = Some("secret") }, ErrInvalid, "password", "bcrypt"},
		{"no password", func(s *UserSpec) { s.PasswordHash = Null[string]() }, nil, "", ""},
	})
}

func TestGivenIDs(t *testing.T) {
	w := newWorld(t)
	id := strings.Repeat("ab", 16)
	for name, op := range map[string]func(id string) Op{
		"project": func(id string) Op { return CreateProject{ID: id, Spec: ProjectSpec{Name: Some("p")}} },
		"user":    func(id string) Op { return CreateUser{ID: id, Spec: UserSpec{Name: Some("u")}} },
		"role":    func(id string) Op { return CreateRole{ID: id, Spec: RoleSpec{Name: Some("r")}} },
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{t: t, cfg: w.cfg, n: w.n}
			w.refused(op("admin"), ErrInvalid, "id", "32 lower-case hexadecimal")
			w.refused(op(strings.ToUpper(id)), ErrInvalid, "id", "32 lower-case hexadecimal")
			w.refused(op(builtInRoles[0].ID), ErrConflict, "id", "already in use")
			if got := w.do(op(id)); got != id {
				t.Errorf("id %s, want %s", got, id)
			}
			if _, _, _, err := Apply(w.cfg, w.stamp(op(id))); !strings.Contains(err.Error(), "id: "+id+" is already in use") {
				t.Errorf("again: %v", err)
			}
			w.cfg = newWorld(t).cfg
			if got := w.do(op("")); len(got) != 32 || strings.Contains(got, "-") {
				t.Errorf("made id %s", got)
			}
		})
	}
}

func TestRoles(t *testing.T) {
	w := newWorld(t)
	w.refused(CreateRole{Spec: RoleSpec{Name: Some("admin")}}, ErrConflict, "name", "must be unique")
	w.refused(CreateRole{}, ErrInvalid, "name", "required")
	auditor := w.do(CreateRole{Spec: RoleSpec{Name: Some("auditor")}})
	w.refused(CreateRole{Spec: RoleSpec{Name: Some("auditor")}}, ErrConflict, "name", "must be unique")
	admin, ok := w.cfg.RoleByName("admin")
	if !ok {
		t.Fatal("there is no role admin")
	}
	w.refused(DeleteRole{ID: admin.ID}, ErrImmutable, "", "built in")

	user, project := w.user("ann"), w.project("demo")
	for _, a := range []Assignment{
		{UserID: user, ProjectID: project, RoleID: auditor},
		{UserID: user, ProjectID: project, RoleID: admin.ID},
		{UserID: user, RoleID: auditor},
		{UserID: user, RoleID: auditor},
	} {
		w.do(Assign{a})
	}
	if got := w.cfg.RolesIn(user, project); !slices.Equal(got, []string{"admin", "auditor"}) {
		t.Errorf("roles in the project: %v", got)
	}
	if got := w.cfg.RolesIn(user, ""); !slices.Equal(got, []string{"auditor"}) {
		t.Errorf("roles in the system: %v", got)
	}
	w.refused(Assign{Assignment{UserID: "x", RoleID: auditor}}, ErrNotFound, "user_id", "does not exist")
	w.refused(Assign{Assignment{UserID: user, ProjectID: "x", RoleID: auditor}}, ErrNotFound, "project_id", "does not exist")
	w.refused(Assign{Assignment{UserID: user, RoleID: "x"}}, ErrNotFound, "role_id", "does not exist")
	w.refused(Unassign{Assignment{UserID: user, RoleID: admin.ID}}, ErrNotFound, "", "does not exist")
	w.do(Unassign{Assignment{UserID: user, ProjectID: project, RoleID: admin.ID}})
	w.do(DeleteRole{ID: auditor})
	for a := range w.cfg.Assignments() {
		t.Errorf("left without its role: %+v", a)
	}
}

func TestDeletingTakesAssignments(t *testing.T) {
	w := newWorld(t)
	ann, bob, project := w.user("ann"), w.user("bob"), w.project("demo")
	w.do(UpdateUser{ID: ann, Spec: UserSpec{DefaultProjectID: Some(project)}})
	reader := builtInRoles[0].ID
	for _, u := range []string{ann, bob} {
		w.do(Assign{Assignment{UserID: u, ProjectID: project, RoleID: reader}})
		w.do(Assign{Assignment{UserID: u, RoleID: reader}})
	}
	w.do(DeleteUser{ID: bob})
	for a := range w.cfg.Assignments() {
		if a.UserID != ann {
			t.Errorf("left without its user: %+v", a)
		}
	}
	w.do(DeleteProject{ID: project})
	if u, _ := w.cfg.User(ann); u.DefaultProjectID != "" {
		t.Errorf("default project %s of %s is gone", u.DefaultProjectID, u.Name)
	}
	if got := slices.Collect(w.cfg.Assignments()); len(got) != 1 || got[0].ProjectID != "" {
		t.Errorf("left: %+v", got)
	}
}

func TestProjectInUse(t *testing.T) {
	w := newWorld(t)
	project := w.project("demo")
	w.do(CreateLoadBalancer{Spec: LoadBalancerSpec{
		MetaSpec: MetaSpec{ProjectID: Some(project)}, VIPSubnetID: Some(w.subnet("public", "192.0.2.0/24")),
	}})
	w.secret(project)
	w.refused(DeleteProject{ID: project}, ErrInUse, "", "1 load balancers, 1 secrets")
}

func TestPasswordTime(t *testing.T) {
	w := newWorld(t)
	id := w.do(CreateUser{Spec: UserSpec{Name: Some("ann"), PasswordHash: Some(bcrypted)}})
	first, _ := w.cfg.User(id)
	w.do(UpdateUser{ID: id, Spec: UserSpec{Email: Some("a@example.org")}})
	if u, _ := w.cfg.User(id); !u.PasswordAt.Equal(first.PasswordAt) {
		t.Errorf("another email moved the time of the password to %s", u.PasswordAt)
	}
	w.do(UpdateUser{ID: id, Spec: UserSpec{PasswordHash: Some(bcrypted)}})
	if u, _ := w.cfg.User(id); !u.PasswordAt.After(first.PasswordAt) {
		t.Errorf("a new password is from %s", u.PasswordAt)
	}
	w.do(UpdateUser{ID: id, Spec: UserSpec{PasswordHash: Null[string]()}})
	if u, _ := w.cfg.User(id); !u.PasswordAt.IsZero() || u.PasswordHash != "" {
		t.Errorf("without a password: %+v", u)
	}
}

func TestRevoke(t *testing.T) {
	w := newWorld(t)
	now := func() time.Time { return w.stamp(nil).At }
	w.refused(Revoke{Expires: now().Add(time.Hour)}, ErrInvalid, "token_id", "use 1 to 64")
	w.refused(Revoke{TokenID: "a", Expires: now()}, ErrInvalid, "expires_at", "passed already")
	w.do(Revoke{TokenID: "short", Expires: now().Add(2 * time.Second)})
	w.do(Revoke{TokenID: "long", Expires: now().Add(time.Hour)})
	if !w.cfg.Revoked("short") || !w.cfg.Revoked("long") || w.cfg.Revoked("other") {
		t.Error("not what was revoked")
	}
	w.do(Revoke{TokenID: "again", Expires: now().Add(time.Hour)})
	if w.cfg.Revoked("short") || !w.cfg.Revoked("long") {
		t.Error("what expired must be dropped, and nothing else")
	}
}

func TestIdentityPreconditions(t *testing.T) {
	w := newWorld(t)
	project, user, role := w.project("demo"), w.user("ann"), w.do(CreateRole{Spec: RoleSpec{Name: Some("auditor")}})
	secret := w.secret("")
	box := SecretContainerID(w.do(CreateSecretContainer{Spec: SecretContainerSpec{Type: Some("generic")}}))
	for _, op := range []Op{
		UpdateProject{ID: project, If: 77},
		DeleteProject{ID: project, If: 77},
		UpdateUser{ID: user, If: 77},
		DeleteUser{ID: user, If: 77},
		DeleteRole{ID: role, If: 77},
		UpdateSecret{ID: secret, If: 77},
		DeleteSecret{ID: secret, If: 77},
		DeleteSecretContainer{ID: box, If: 77},
	} {
		w.refused(op, ErrPrecondition, "", "not 77")
	}
	for _, op := range []Op{
		UpdateProject{ID: "x"},
		DeleteProject{ID: "x"},
		UpdateUser{ID: "x"},
		DeleteUser{ID: "x"},
		DeleteRole{ID: "x"},
		UpdateSecret{ID: "x"},
		DeleteSecret{ID: "x"},
		DeleteSecretContainer{ID: "x"},
	} {
		w.refused(op, ErrNotFound, "", "does not exist")
	}
}
