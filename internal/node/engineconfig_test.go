package node

import (
	"strings"
	"testing"
)

func TestEngineConfig(t *testing.T) {
	const rest = `
name = "a"
[cluster]
listen = "127.0.0.1:7480"
gossip = "127.0.0.1:7481"
[vip]
interface = "eth0"
[engine]
`
	for text, want := range map[string]string{
		`trusted_proxies = ["192.0.2.0/24", "2001:db8::/32"]
[engine.flow_log]
targets = ["tcp://192.0.2.1:514", "udp://[2001:db8::1]:514", "file:/var/log/flow.log", "journald:"]
facility = 3
[engine.access_log]
targets = ["file:/var/log/access.log"]
queue = 100`: "",
		`trusted_proxies = ["0.0.0.0/0"]`:                      "engine.trusted_proxies[0]: 0.0.0.0/0 is everybody",
		`trusted_proxies = ["x"]`:                              "trusted_proxies",
		"[engine.flow_log]\ntargets = [\"/var/log/x\"]":        `engine.flow_log.targets[0]: "/var/log/x" is unknown`,
		"[engine.flow_log]\ntargets = [\"file:x\"]":            "absolute path",
		"[engine.access_log]\ntargets = [\"udp://192.0.2.1\"]": "engine.access_log.targets[0]",
		"[engine.access_log]\nfacility = 8":                    "engine.access_log.facility: 8 is unknown",
		"[engine.flow_log]\nqueue = -1":                        "engine.flow_log.queue",
	} {
		cfg, err := Parse([]byte(rest + text))
		if want == "" {
			if err != nil || len(cfg.Engine.logs(cfg.Logger)) != 2 {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if logs := (EngineConfig{}).logs(nil); logs != nil {
		t.Error("a log is on that nobody asked for")
	}
}
