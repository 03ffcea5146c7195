package keystone

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

func TestTokenVoid(t *testing.T) {
	for name, change := range map[string]func(*world){
		"expired":       func(w *world) { w.pass(DefaultLifetime) },
		"user disabled": func(w *world) { w.backend.Must(lb.UpdateUser{ID: w.ann, Spec: lb.UserSpec{Enabled: lb.Some(false)}}) },
		"user deleted":  func(w *world) { w.backend.Must(lb.DeleteUser{ID: w.ann}) },
		"project disabled": func(w *world) {
			w.backend.Must(lb.UpdateProject{ID: w.demo, Spec: lb.ProjectSpec{Enabled: lb.Some(false)}})
		},
		"project deleted":  func(w *world) { w.backend.Must(lb.DeleteProject{ID: w.demo}) },
		"no role any more": func(w *world) { w.backend.Must(lb.Unassign{Assignment: w.assignment(w.ann, w.demo, "member")}) },
		"password changed": func(w *world) {
			hash, _ := hasher.Hash(w.t.Context(), "ann")
			w.backend.Must(lb.UpdateUser{ID: w.ann, Spec: lb.UserSpec{PasswordHash: lb.Some(hash)}})
		},
		"revoked": func(w *world) {
			token := w.login("ann", "")
			w.want(w.do("DELETE", "/v3/auth/tokens", token, "", "X-Subject-Token", w.last), 204, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			token := w.login("ann", "")
			w.last = token
			if c, err := w.server.Authenticate(t.Context(), token); err != nil || c.UserID != w.ann || c.ProjectID != w.demo || !c.Has("member") || c.Open {
				t.Fatalf("before: %+v, %v", c, err)
			}
			change(w)
			if c, err := w.server.Authenticate(t.Context(), token); !errors.Is(err, access.ErrUnauthenticated) || c.UserID != "" {
				t.Errorf("after: %+v, %v", c, err)
			}
			w.want(w.do("GET", "/v3/auth/projects", token, ""), 401, msgUnauthorized)
		})
	}
}

func TestRolesAreLookedUpAtUse(t *testing.T) {
	w := newWorld(t)
	token := w.login("ann", "")
	w.assign(w.ann, w.demo, "admin")
	if c, err := w.server.Authenticate(t.Context(), token); err != nil || !c.IsAdmin() {
		t.Errorf("%+v, %v", c, err)
	}
}

// A token of one node is valid on the others, which have the same key.
func TestTokenOfAnotherNode(t *testing.T) {
	w := newWorld(t)
	token := w.login("ann", "")
	other := New(Config{Backend: w.backend, Key: newKey(t), Now: w.time})
	if c, err := other.Authenticate(t.Context(), token); err != nil || c.UserID != w.ann {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestUndecided(t *testing.T) {
	w := newWorld(t)
	token := w.login("ann", "")
	w.backend.Must(lb.DeleteUser{ID: w.ann})
	w.backend.Fail(&lb.Error{Kind: lb.ErrUnavailable, Msg: "there is no leader"})
	// This node may not have caught up, and cannot ask.
	if _, err := w.server.Authenticate(t.Context(), token); errors.Is(err, access.ErrUnauthenticated) || !errors.Is(err, lb.ErrUnavailable) {
		t.Errorf("without a quorum: %v", err)
	}
	w.want(w.do("GET", "/v3/auth/projects", token, ""), 503, "no leader")
}

func TestTokenByToken(t *testing.T) {
	w := newWorld(t)
	first := w.login("ann", `"unscoped"`)
	w.pass(10 * time.Minute)
	a := w.do("POST", "/v3/auth/tokens", "", `{"auth":{"identity":{"methods":["token"],"token":{"id":"`+first+`"}},"scope":{"project":{"id":"`+w.demo+`"}}}}`)
	w.want(a, 201, `"methods":["password","token"]`)
	second := a.header.Get("X-Subject-Token")
	w.pass(49 * time.Minute)
	if _, err := w.server.Authenticate(t.Context(), second); err != nil {
		t.Error(err)
	}
	w.pass(time.Minute)
	if _, err := w.server.Authenticate(t.Context(), second); !errors.Is(err, access.ErrUnauthenticated) {
		t.Errorf("a token prolonged itself: %v", err)
	}
}

func TestClaims(t *testing.T) {
	key := newKey(t)
	want := claims{
		ID: newID(), Issued: time.Unix(1e9, 0).UTC(), Expires: time.Unix(2e9, 0).UTC(), UserID: strings.Repeat("ab", 16),
		ProjectID: strings.Repeat("cd", 16), Methods: byPassword | byToken, Password: [8]byte{1, 2, 3},
	}
	system := want
	system.ProjectID, system.System, system.Methods = "", true, byToken
	for _, c := range []claims{want, system} {
		text, err := c.sign(key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parseToken(key, text); err != nil || got != c {
			t.Errorf("%+v became %+v, %v", c, got, err)
		}
		for i := range text {
			broken := text[:i] + string('A'+(text[i]+1)%26) + text[i+1:]
			if broken == text {
				continue
			}
			if _, err := parseToken(key, broken); !errors.Is(err, access.ErrUnauthenticated) {
				t.Fatalf("accepted with character %d changed: %v", i, err)
			}
		}
	}
	for name, text := range map[string]string{
		"empty": "", "long": strings.Repeat("A", maxToken+1), "short and signed": tokenText.EncodeToString(key.Sign([]byte{tokenVersion})),
		"other version": tokenText.EncodeToString(key.Sign(make([]byte, claimsSize))), "padded": "AA==",
	} {
		if _, err := parseToken(key, text); !errors.Is(err, access.ErrUnauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (claims{UserID: hex.EncodeToString([]byte("short"))}).sign(key); err == nil {
		t.Error("signed for a user that cannot be")
	}
}

func FuzzParseToken(f *testing.F) {
	key := newKey(f)
	text, _ := claims{UserID: strings.Repeat("ab", 16)}.sign(key)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseToken(key, text)
		if err != nil {
			return
		}
		if again, err := c.sign(key); err != nil || again != text {
			t.Errorf("%q is read as %+v and written as %q, %v", text, c, again, err)
		}
	})
}
