package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// call is one request of a script. Path and body may name things that earlier calls have
// made, as {name}.
type call struct {
	method, path string // the path begins after /v2
	body         any    // nil: none; a string is sent as it is
	save         string // the name of what is created
	apart        bool   // a second after what was created before: its place in lists is known
	project      string // everybody: no X-Project-Id, "": the script's
}

func (c call) String() string {
	body, _ := json.Marshal(c.body)
	return fmt.Sprintf("%s %s %s", c.method, c.path, body)
}

// about reports whether a call names one of these.
func (c call) about(names map[string]bool) bool {
	for _, name := range placeholder.FindAllString(c.String(), -1) {
		if names[name[1:len(name)-1]] {
			return true
		}
	}
	return false
}

// target is an API that a script is sent to.
type target struct {
	base     string            // up to where paths begin with /v2
	settling string            // a URL that answers once no load balancer is pending; "": there is none
	ids      map[string]string // what the script has made there, by name
	names    map[string]string // the other way round
}

func newTarget(base string) *target {
	return &target{base: base, ids: map[string]string{}, names: map[string]string{}}
}

// knows says what a script means by a name.
func (t *target) knows(name, id string) { t.ids[name], t.names[id] = id, name }

// reply is what came back.
type reply struct {
	Status  int
	Request bool   // it has a request id
	Body    any    // decoded JSON with names in the place of ids, else nil
	text    string // as it came
}

// everybody's objects are meant when no project is named.
const everybody = "*"

const projectID = "0123456789abcdef0123456789abcdef"

var client = &http.Client{Timeout: 90 * time.Second}

var placeholder = regexp.MustCompile(`\{[a-z0-9]+\}`)

// fill puts the ids of a target in the place of names.
func (t *target) fill(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(name string) string {
		if id, ok := t.ids[name[1:len(name)-1]]; ok {
			return id
		}
		return name
	})
}

// send makes a call and remembers what it has created.
func (t *target) send(c call) (reply, error) {
	var body io.Reader
	switch b := c.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(t.fill(b))
	default:
		text, err := json.Marshal(b)
		if err != nil {
			return reply{}, fmt.Errorf("encode %v: %w", c, err)
		}
		body = strings.NewReader(t.fill(string(text)))
	}
	req, err := http.NewRequest(c.method, t.base+"/v2"+t.fill(c.path), body)
	if err != nil {
		return reply{}, fmt.Errorf("make request %v: %w", c, err)
	}
	if c.project != everybody {
		req.Header.Set("X-Project-Id", projectID)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, fmt.Errorf("send %v: %w", c, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, fmt.Errorf("read answer to %v: %w", c, err)
	}
	var decoded any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&decoded) != nil {
		decoded = nil
	}
	if c.save != "" {
		if id := idIn(decoded); id != "" {
			t.knows(c.save, id)
		}
	}
	return reply{resp.StatusCode, resp.Header.Get("X-Openstack-Request-Id") != "", t.normal(decoded), string(text)}, nil
}

// idIn is the id, or the name where that is the key, of the one object in a body.
func idIn(body any) string {
	root, _ := body.(map[string]any)
	for _, object := range root {
		if fields, ok := object.(map[string]any); ok {
			if id, ok := fields["id"].(string); ok {
				return id
			}
			if name, ok := fields["name"].(string); ok {
				return name
			}
		}
	}
	return ""
}
