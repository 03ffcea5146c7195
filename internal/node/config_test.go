package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const good = `
name = "amphora-1"
[cluster]
listen = "192.0.2.11:7480"
gossip = "192.0.2.11:7481"
peers = ["192.0.2.12:7481"]
voters = ["amphora-1", "amphora-2", "witness"]
key_file = "/etc/amphora/cluster.key"
[vip]
interface = "eth0"
`

func TestParse(t *testing.T) {
	cfg, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Role != RoleAmphora || cfg.Cluster.Name != "amphora" || cfg.Admin.Socket != "/run/amphora/admin.sock" {
		t.Errorf("defaults are missing: %+v", cfg)
	}
}

func TestAPIDefaults(t *testing.T) {
	for _, tt := range []struct{ text, listen string }{
		{"", DefaultAPIListen},
		{"[api]\nauth = \"none\"\n", DefaultAPIListen},
		{"[api]\nlisten = \"\"\nauth = \"none\"\n", ""},
		{"[api]\nlisten = \"192.0.2.11:9876\"\ninsecure = true\n", "192.0.2.11:9876"},
		{"[api]\ntoken_lifetime = \"30m\"\n", DefaultAPIListen},
	} {
		cfg, err := Parse([]byte(good + tt.text))
		if err != nil || cfg.API.Listen != tt.listen {
			t.Errorf("%q: listens on %q, %v", tt.text, cfg.API.Listen, err)
		}
	}
	cfg, err := Parse([]byte(good + "[api]\ntoken_lifetime = \"30m\"\n"))
	if err != nil || time.Duration(cfg.API.TokenLifetime) != 30*time.Minute || cfg.API.Auth != AuthKeystone || cfg.API.Region != "RegionOne" {
		t.Errorf("%+v, %v", cfg.API, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ replace, by, want string }{
		{`name = "amphora-1"`, `named = "amphora-1"`, "line 2: named: unknown key"},
		{`[vip]`, `[vip]` + "\nifaces = 1", "vip.ifaces: unknown key"},
		{`name = "amphora-1"`, `name = 5`, "line 2, column 8: name: "},
		{`peers = ["192.0.2.12:7481"]`, `peers = "192.0.2.12:7481"`, "line 6, column 9: cluster.peers: "},
		{`[vip]`, `[vip`, "line 9"},
		{`[vip]`, `[vip]` + "\ngateways = [\"192.0.2.11\"]", "vip.gateways[0]: 192.0.2.11 is a node of this cluster"},
		{`[vip]`, `[vip]` + "\ntie_breakers = [\"192.0.2.1\", \"192.0.2.12\"]", "vip.tie_breakers[1]: 192.0.2.12 is a node of this cluster"},
		{`[vip]`, `[vip]` + "\ntie_breakers = [\"127.0.0.1\"]", "vip.tie_breakers[0]: \"127.0.0.1\" must be the address of another host"},
		{`[cluster]`, `[cluster]` + "\nprofile = \"fast\"", "cluster.profile: \"fast\" is unknown, use lan-fast, default, wan"},
		{`name = "amphora-1"`, `role = "boss"`, `role: "boss" is unknown, use "amphora" or "witness"`},
		{`"192.0.2.11:7480"`, `"192.0.2.11"`, "cluster.listen: \"192.0.2.11\" must be address:port"},
		{`"192.0.2.11:7480"`, `"0.0.0.0:7480"`, "cluster.listen: \"0.0.0.0:7480\": the other nodes must be able to reach it"},
		{`key_file = "/etc/amphora/cluster.key"`, ``, "cluster.key_file: required"},
		{`"192.0.2.12:7481"`, `"there"`, "cluster.peers[0]"},
		{`"amphora-2", "witness"`, `"amphora-2", "amphora-2"`, "cluster.voters[2]"},
		{`"amphora-1", "amphora-2"`, `"amphora-3", "amphora-2"`, `does not name this node, "amphora-1"`},
		{`"192.0.2.11:7480"`, `"192.0.2.11:0"`, "cluster.listen: \"192.0.2.11:0\" must be address:port"},
		{`[vip]`, "[admin]\nsocket = \"/" + strings.Repeat("x", 107) + "\"\n[vip]", "admin.socket: "},
		{`[vip]`, "[api]\nlisten = \"here\"\n[vip]", `api.listen: "here" must be address:port, such as 127.0.0.1:9876`},
		{`[vip]`, "[api]\nlisten = \"192.0.2.11:9876\"\n[vip]", "api.tls_cert: required beyond loopback"},
		{`[vip]`, "[api]\nlisten = \"192.0.2.11:9876\"\ninsecure = true\nauth = \"none\"\n[vip]", `api.auth: "none" is for loopback only`},
		{`[vip]`, "[api]\nauth = \"basic\"\n[vip]", `api.auth: "basic" is unknown`},
		{`[vip]`, "[api]\ntls_cert = \"/cert\"\n[vip]", "api.tls_cert: goes with api.tls_key"},
		{`[vip]`, "[api]\ntls_cert = \"cert\"\ntls_key = \"/key\"\n[vip]", `api.tls_cert: "cert" must be an absolute path`},
		{`[vip]`, "[api]\npublic_url = \"lb.example.org\"\n[vip]", `api.public_url: "lb.example.org" must be a URL`},
		{`[vip]`, "[api]\ntoken_lifetime = \"1s\"\n[vip]", "api.token_lifetime: 1s is out of range, use 1m0s to 720h0m0s"},
		{`[vip]`, "[api]\nauth = \"external\"\n[vip]", "api.keystone.url: "},
		{`[vip]`, "[api]\nauth = \"external\"\n[api.keystone]\nurl = \"https://k/v3\"\nuser = \"u\"\n[vip]", "api.keystone.password_file: required"},
		{`[vip]`, "[barbican]\nurl = \"barbican\"\n[vip]", `barbican.url: "barbican" must be a URL such as`},
		{`[vip]`, "[barbican]\nevery = \"1m\"\n[vip]", "barbican.url: "},
		{`[vip]`, "[barbican]\nurl = \"https://b\"\n[vip]", "barbican.keystone.url: "},
		{`[vip]`, "[barbican]\nurl = \"https://b\"\n[vip]", "barbican.keystone.user: required when there is a table [barbican]"},
		{`[vip]`, "[barbican]\nurl = \"https://b\"\nevery = \"1ms\"\n[vip]", "barbican.every: 1ms is out of range, use 1s to 24h0m0s"},
		{`[vip]`, "[barbican.keystone]\npassword_file = \"p\"\n[vip]", `barbican.keystone.password_file: "p" must be an absolute path`},
		{`[vip]`, "[barbican]\nregion = \"x\"\n[vip]", "barbican.region: unknown key"},
		{`interface = "eth0"`, ``, "vip.interface: required for an amphora"},
		{`name = "amphora-1"`, "name = \"amphora-1\"\ndata_dir = \"here\"", "data_dir: \"here\" must be an absolute path"},
		{`name = "amphora-1"`, "name = \"amphora-1\"\nlog_level = \"loud\"", "log_level: \"loud\" is unknown"},
	} {
		text := strings.Replace(good, tt.replace, tt.by, 1)
		if text == good {
			t.Fatalf("%s: nothing replaced", tt.replace)
		}
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s -> %s: got %v, want %q in it", tt.replace, tt.by, err, tt.want)
		}
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cluster.key")
	cfg := Config{Cluster: ClusterConfig{KeyFile: path}}
	for _, tt := range []struct {
		name, text string
		mode       os.FileMode
		want       string // "": it is good
	}{
		{"good", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0o600, ""},
		{"short", "AAAA", 0o600, "32 bytes in base64"},
		{"not base64", "?", 0o600, "32 bytes in base64"},
		{"readable by others", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 0o644, "chmod 600 " + path},
	} {
		if err := os.WriteFile(path, []byte(tt.text), tt.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		key, err := cfg.clusterKey()
		if tt.want == "" && (err != nil || len(key) != 32) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %d bytes, %v; want %q", tt.name, len(key), err, tt.want)
		}
	}
}
