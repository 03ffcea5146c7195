package lb

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// identityKey is the kind and id of a stored resource of [identity].
func identityKey(o any) (Kind, string) {
	switch o := o.(type) {
	case *Project:
		return KindProject, o.ID
	case *User:
		return KindUser, o.ID
	case *Role:
		return KindRole, o.ID
	case *Assignment:
		return KindAssignment, o.Key()
	case *Revocation:
		return KindRevocation, o.TokenID
	case *Secret:
		return KindSecret, string(o.ID)
	case *SecretContainer:
		return KindSecretContainer, string(o.ID)
	}
	panic(fmt.Sprintf("%T", o))
}

// identityGen draws operations about who may do what, and secrets.
type identityGen struct{ gen }

func (g identityGen) id(kind Kind) string {
	var ids []string
	for o := range g.cfg.Objects() {
		if k, id := identityKey(o); k == kind {
			ids = append(ids, id)
		}
	}
	if kind == KindRole {
		ids = append(ids, builtInRoles[0].ID)
	}
	if len(ids) == 0 || g.chance(5) {
		return strings.Repeat("f", 32)
	}
	return rapid.SampledFrom(ids).Draw(g.t, "id")
}

func (g identityGen) name() Opt[string] {
	return Some(rapid.SampledFrom([]string{"a", "b", "c", "d", ""}).Draw(g.t, "name"))
}

func (g identityGen) assignment() Assignment {
	a := Assignment{UserID: g.id(KindUser), RoleID: g.id(KindRole)}
	if g.chance(70) {
		a.ProjectID = g.id(KindProject)
	}
	return a
}

func (g identityGen) op(now time.Time) Op {
	user := func() UserSpec {
		return UserSpec{Name: g.name(), Enabled: maybe(g.gen, true, false), DefaultProjectID: maybe(g.gen, g.id(KindProject)), PasswordHash: maybe(g.gen, bcrypted)}
	}
	secret := func() SecretSpec {
		return SecretSpec{MetaSpec: MetaSpec{Tags: maybe(g.gen, []string{"b", "a"})}, ContentType: Some("x"), Sealed: maybe(g.gen, []byte("s"))}
	}
	return rapid.SampledFrom([]func() Op{
		func() Op {
			return CreateProject{Spec: ProjectSpec{Name: g.name(), Tags: maybe(g.gen, []string{"b", "a"})}}
		},
		func() Op {
			return UpdateProject{ID: g.id(KindProject), Spec: ProjectSpec{Name: g.name(), Enabled: maybe(g.gen, false)}}
		},
		func() Op { return DeleteProject{ID: g.id(KindProject)} },
		func() Op { return CreateUser{Spec: user()} },
		func() Op { return UpdateUser{ID: g.id(KindUser), Spec: user()} },
		func() Op { return DeleteUser{ID: g.id(KindUser)} },
		func() Op { return CreateRole{Spec: RoleSpec{Name: g.name()}} },
		func() Op { return DeleteRole{ID: g.id(KindRole)} },
		func() Op { return Assign{g.assignment()} },
		func() Op { return Assign{g.assignment()} },
		func() Op { return Unassign{g.assignment()} },
		func() Op {
			return Revoke{TokenID: fmt.Sprint(rapid.IntRange(0, 5).Draw(g.t, "token")), Expires: now.Add(time.Duration(rapid.IntRange(0, 4).Draw(g.t, "life")) * time.Second)}
		},
		func() Op { return CreateSecret{Spec: secret()} },
		func() Op { return UpdateSecret{ID: SecretID(g.id(KindSecret)), Spec: secret()} },
		func() Op { return DeleteSecret{ID: SecretID(g.id(KindSecret))} },
		func() Op {
			return CreateSecretContainer{Spec: SecretContainerSpec{Type: Some("generic"), Secrets: Some([]ContainedSecret{{"x", SecretID(g.id(KindSecret))}})}}
		},
		func() Op { return DeleteSecretContainer{ID: SecretContainerID(g.id(KindSecretContainer))} },
	}).Draw(g.t, "op")()
}

func dumpIdentity(c *Config) string {
	var b strings.Builder
	for o := range c.Objects() {
		fmt.Fprintf(&b, "%+v\n", o)
	}
	fmt.Fprintln(&b, maps.Collect(c.projectNames.All()), maps.Collect(c.userNames.All()), maps.Collect(c.roleNames.All()))
	return b.String()
}

// TestIdentityHistories checks what TestApplyProperties checks, on the kinds of identity.
func TestIdentityHistories(t *testing.T) {
	worked, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		cfg, store := new(Config), map[string]any{}
		var past []*Config
		var dumps []string
		for i := range rapid.IntRange(20, 40).Draw(t, "commands") {
			at := time.Unix(1_700_000_000+rapid.Int64Range(0, 3).Draw(t, "time"), 0).UTC()
			cmd := Command{Stamp: Stamp{At: at, ID: testID(i + 1)}, Revision: uint64(i + 1), Op: identityGen{gen{t, cfg}}.op(at)}
			next, result, changes, err := Apply(cfg, cmd)
			rebuilt, buildErr := Build(cfg.Revision(), cfg.Objects())
			if buildErr != nil {
				t.Fatalf("build from objects: %v", buildErr)
			}
			again, _, _, errAgain := Apply(rebuilt, cmd)
			if got, want := fmt.Sprint(dumpIdentity(again), errAgain), fmt.Sprint(dumpIdentity(next), err); got != want {
				t.Fatalf("%+v gives\n%s\nand on the Config built from storage\n%s", cmd, want, got)
			}
			if err != nil {
				refused++
				checkRefusal(t, cfg, next, result, changes, err)
				continue
			}
			worked++
			for _, c := range changes {
				if c.Object == nil {
					delete(store, string(c.Kind)+c.ID)
					continue
				}
				if kind, id := identityKey(c.Object); kind != c.Kind || id != c.ID {
					t.Fatalf("change of %s %s holds %s %s", c.Kind, c.ID, kind, id)
				}
				store[string(c.Kind)+c.ID] = c.Object
			}
			if !slices.ContainsFunc(changes, func(c Change) bool { return c.Kind == result.Kind && c.ID == result.ID }) {
				t.Fatalf("%T: result %v is not among the changes %v", cmd.Op, result, changes)
			}
			cfg = next
			past, dumps = append(past, cfg), append(dumps, dumpIdentity(cfg))
		}
		if got, want := dumpStore(maps.Values(store)), dumpStore(cfg.Objects()); got != want {
			t.Fatalf("the changes add up to\n%s\nwant\n%s", got, want)
		}
		for i, c := range past {
			if got := dumpIdentity(c); got != dumps[i] {
				t.Fatalf("Config %d was\n%s\nand became\n%s", i, dumps[i], got)
			}
		}
	})
	if worked < refused/4 || refused == 0 {
		t.Errorf("%d commands worked and %d were refused", worked, refused)
	}
}

func TestBuildRefusesBrokenIdentity(t *testing.T) {
	user, project := &User{ID: "u", Name: "ann"}, &Project{ID: "p", Name: "demo"}
	reader := builtInRoles[0].ID
	for name, objects := range map[string][]any{
		"user twice":          {user, user},
		"user name twice":     {user, &User{ID: "v", Name: "ann"}},
		"project name twice":  {project, &Project{ID: "q", Name: "demo"}},
		"role of a built-in":  {&Role{ID: "r", Name: "admin"}},
		"assignment: user":    {project, &Assignment{UserID: "u", ProjectID: "p", RoleID: reader}},
		"assignment: project": {user, &Assignment{UserID: "u", ProjectID: "p", RoleID: reader}},
		"assignment: role":    {user, &Assignment{UserID: "u", RoleID: "x"}},
		"container: secret":   {&SecretContainer{ID: "c", Secrets: []ContainedSecret{{"x", "s"}}}},
	} {
		if _, err := Build(1, slices.Values(objects)); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Build(1, slices.Values([]any{&Assignment{UserID: "u", ProjectID: "p", RoleID: reader}, user, project})); err != nil {
		t.Errorf("in another order: %v", err)
	}
}
