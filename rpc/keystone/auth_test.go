package keystone

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/lb"
)

func TestScopes(t *testing.T) {
	w := newWorld(t)
	w.backend.Must(lb.CreateProject{Spec: lb.ProjectSpec{Name: lb.Some("closed"), Enabled: lb.Some(false)}})
	closed, _ := w.backend.Config().ProjectByName("closed")
	w.assign(w.ann, closed.ID, "member")
	for _, tt := range []struct {
		name, user, scope string
		status            int
		part              string
	}{
		{"default project", "ann", "", 201, `"project":{"domain":{"id":"default","name":"Default"},"id":"` + w.demo + `","name":"demo"}`},
		{"by id", "ann", `{"project":{"id":"` + w.demo + `"}}`, 201, `"name":"member"`},
		{"by name", "ann", `{"project":{"name":"demo","domain":{"name":"default"}}}`, 201, `"catalog"`},
		{"no default project", "root", "", 201, `"methods":["password"]`},
		{"unscoped", "ann", `"unscoped"`, 201, `"methods":["password"]`},
		{"null", "ann", `null`, 201, `"project"`},
		{"system", "watcher", `{"system":{"all":true}}`, 201, `"system":{"all":true}`},
		{"system without a role", "ann", `{"system":{"all":true}}`, 401, msgUnauthorized},
		{"domain", "root", `{"domain":{"id":"default"}}`, 401, msgUnauthorized},
		{"project without a role", "ann", `{"project":{"id":"` + w.admin + `"}}`, 401, msgUnauthorized},
		{"disabled project", "ann", `{"project":{"id":"` + closed.ID + `"}}`, 401, msgUnauthorized},
		{"unknown project", "ann", `{"project":{"name":"x","domain":{"id":"default"}}}`, 401, msgUnauthorized},
		{"unknown project id", "ann", `{"project":{"id":"x"}}`, 401, msgUnauthorized},
		{"other domain", "ann", `{"project":{"name":"demo","domain":{"id":"x"}}}`, 401, msgUnauthorized},
		{"no JSON", "ann", `{`, 400, "valid JSON"},
		{"number", "ann", `5`, 400, "valid JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.t = t
			a := w.do("POST", "/v3/auth/tokens", "", passwordAuth(tt.user, tt.user, tt.scope))
			w.want(a, tt.status, tt.part)
			if (a.header.Get("X-Subject-Token") != "") != (tt.status == 201) {
				t.Errorf("X-Subject-Token %q", a.header.Get("X-Subject-Token"))
			}
			if strings.Contains(tt.scope, "unscoped") && strings.Contains(a.text, "catalog") {
				t.Errorf("a token without a scope shows a catalog: %s", a.text)
			}
		})
	}
}

func TestLoginRefused(t *testing.T) {
	w := newWorld(t)
	w.user("off", "")
	off, _ := w.backend.Config().UserByName("off")
	w.backend.Must(lb.UpdateUser{ID: off.ID, Spec: lb.UserSpec{Enabled: lb.Some(false)}})
	w.backend.Must(lb.CreateUser{Spec: lb.UserSpec{Name: lb.Some("silent")}})
	var first string
	for name, body := range map[string]string{
		"other password": passwordAuth("ann", "root", ""),
		"unknown user":   passwordAuth("eve", "ann", ""),
		"disabled":       passwordAuth("off", "off", ""),
		"no password":    passwordAuth("silent", "", ""),
		"other domain":   strings.Replace(passwordAuth("ann", "ann", ""), `"default"`, `"x"`, 1),
		"unknown id":     strings.Replace(passwordAuth("ann", "ann", ""), `"name":"ann"`, `"id":"ann"`, 1),
		"no method":      `{"auth":{"identity":{"methods":[]}}}`,
		"other method":   `{"auth":{"identity":{"methods":["totp"]}}}`,
		"forged token":   `{"auth":{"identity":{"methods":["token"],"token":{"id":"gAAAA"}}}}`,
	} {
		a := w.do("POST", "/v3/auth/tokens", "", body)
		if first == "" {
			first = a.text
		}
		// Nobody learns which of them it was.
		if a.status != http.StatusUnauthorized || a.text != first || !strings.Contains(a.header.Get("WWW-Authenticate"), `Keystone uri="`+w.url) {
			t.Errorf("%s: %d %s %v", name, a.status, a.text, a.header)
		}
	}
	w.want(w.do("POST", "/v3/auth/tokens", "", `{}`), 400, "auth.identity is required")
	w.want(w.do("POST", "/v3/auth/tokens", "", strings.Repeat(" ", maxBody+1)), 413, "more than 114688 bytes")
	byID := strings.Replace(passwordAuth("ann", "ann", ""), `"name":"ann"`, `"id":"`+w.ann+`"`, 1)
	w.want(w.do("POST", "/v3/auth/tokens", "", byID), 201, w.demo)
}

func TestFailuresAreLimited(t *testing.T) {
	w := newWorld(t)
	bad, good := passwordAuth("ann", "x", ""), passwordAuth("ann", "ann", "")
	for range addressLimit.burst {
		w.want(w.do("POST", "/v3/auth/tokens", "", bad), 401, "")
	}
	a := w.do("POST", "/v3/auth/tokens", "", good)
	w.want(a, 429, "try again later")
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || seconds < 1 || seconds > 3 {
		t.Fatalf("Retry-After %q", a.header.Get("Retry-After"))
	}
	w.pass(time.Duration(seconds) * time.Second)
	w.want(w.do("POST", "/v3/auth/tokens", "", good), 201, "")
}

func TestFailures(t *testing.T) {
	f, now := newFailures(), time.Unix(1e9, 0)
	for i := range userLimit.burst { // one user, from many addresses
		f.settle(newAttempt("192.0.2."+strconv.Itoa(i)+":5", "Ann"), true, now)
	}
	if f.wait(newAttempt("198.51.100.1:5", "ann"), now) == 0 {
		t.Error("a user's password can be guessed from many addresses")
	}
	if d := f.wait(newAttempt("198.51.100.1:5", "bob"), now); d != 0 {
		t.Errorf("another user waits %s", d)
	}
	if a, b := newAttempt("[2001:db8::1]:5", ""), newAttempt("[2001:db8::ffff:2%eth0]:6", ""); a != b {
		t.Errorf("one host's %v and %v", a, b)
	}
	for i := range 2 * maxFailures {
		f.settle(newAttempt("h"+strconv.Itoa(i), strconv.Itoa(i)), true, now)
	}
	if len(f.seen) > maxFailures {
		t.Errorf("remembers %d", len(f.seen))
	}
}

// However many guesses are made at once, no more of them are answered than one after the
// other: those that waited for a processor meanwhile learn nothing.
func TestGuessesAtOnce(t *testing.T) {
	w := newWorld(t)
	body := func(password string) string {
		return `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ann","domain":{"id":"default"},"password":"` + password + `"}}}}}`
	}
	codes := make(chan int)
	const guesses = 60
	for i := range guesses {
		go func() { codes <- w.do("POST", "/v3/auth/tokens", "", body("guess"+strconv.Itoa(i))).status }()
	}
	count := map[int]int{}
	for range guesses {
		count[<-codes]++
	}
	if count[401] > addressLimit.burst || count[401]+count[429]+count[503] != guesses {
		t.Errorf("answers: %v, want at most %d times 401", count, addressLimit.burst)
	}
}

// What a stranger gives for a name is not kept whole, and a user's name and id count as one.
func TestNamesOfAttempts(t *testing.T) {
	w := newWorld(t)
	login := func(user string) int {
		return w.do("POST", "/v3/auth/tokens", "", `{"auth":{"identity":{"methods":["password"],"password":{"user":{`+user+`,"password":"x"}}}}}`).status
	}
	login(`"name":"` + strings.Repeat("n", 100000) + `","domain":{"id":"default"}`)
	login(`"name":"ann","domain":{"id":"default"}`)
	login(`"id":"` + w.ann + `"`)
	users := 0
	for key := range w.server.failures.seen {
		if len(key) > 300 {
			t.Errorf("remembers %d bytes", len(key))
		}
		if strings.HasPrefix(key, "user ") {
			users++
		}
	}
	if users != 2 {
		t.Errorf("remembers %d users, want 2", users)
	}
}
