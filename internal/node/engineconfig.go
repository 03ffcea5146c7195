package node

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"path/filepath"

	"github.com/amphora-lb/amphora/proxy/flowlog"
)

// EngineConfig is about the data plane.
type EngineConfig struct {
	// TrustedProxies are networks of proxies in front, all of whose connections begin
	// with a PROXY protocol header, which is believed.
	TrustedProxies []netip.Prefix `toml:"trusted_proxies"`
	FlowLog        LogConfig      `toml:"flow_log"`   // Octavia's 16 fields
	AccessLog      LogConfig      `toml:"access_log"` // JSON
}

// LogConfig says where a log of requests and connections goes. Without targets it is off.
type LogConfig struct {
	// Targets are URLs: file:/var/log/amphora/flow.log, journald:, udp://192.0.2.1:514,
	// tcp://192.0.2.1:514. The first that works is used.
	Targets  []string `toml:"targets"`
	Facility int      `toml:"facility"` // of syslog: 0 (default) to 7 for local0 to local7, as in Octavia
	Queue    int      `toml:"queue"`    // lines that may wait; default 10000
}

// firstLocal is the syslog facility local0.
const firstLocal = 16

// target makes the target that a URL stands for.
func (c LogConfig) target(text, tag string) (flowlog.Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q must be a URL", text)
	}
	switch u.Scheme {
	case "file":
		if !filepath.IsAbs(u.Path) || u.Host != "" {
			return nil, fmt.Errorf("%q must have an absolute path, such as file:/var/log/amphora/flow.log", text)
		}
		return &flowlog.File{Path: u.Path}, nil
	case "journald":
		return flowlog.NewJournald(tag), nil
	case "udp", "tcp":
		if u.Hostname() == "" || u.Port() == "" {
			return nil, fmt.Errorf("%q must have a host and a port, such as %s://192.0.2.1:514", text, u.Scheme)
		}
		return flowlog.NewSyslog(u.Scheme, u.Host, firstLocal+c.Facility, tag), nil
	default:
		return nil, fmt.Errorf("%q is unknown, use file:, journald:, udp:// or tcp://", text)
	}
}

// open makes the log, nil if it is off. The configuration has been validated.
func (c LogConfig) open(format flowlog.Format, tag string, logger *slog.Logger) *flowlog.Log {
	if len(c.Targets) == 0 {
		return nil
	}
	cfg := flowlog.Config{Logger: logger, Format: format, Queue: c.Queue}
	for _, text := range c.Targets {
		if t, err := c.target(text, tag); err == nil {
			cfg.Targets = append(cfg.Targets, t)
		}
	}
	return flowlog.New(cfg)
}

// logs are the logs that are on.
func (c EngineConfig) logs(logger *slog.Logger) (logs []*flowlog.Log) {
	if l := c.FlowLog.open(flowlog.Octavia, "amphora-flow", logger); l != nil {
		logs = append(logs, l)
	}
	if l := c.AccessLog.open(flowlog.JSON, "amphora-access", logger); l != nil {
		logs = append(logs, l)
	}
	return logs
}

func (c Config) validateEngine(p *problems) {
	for i, n := range c.Engine.TrustedProxies {
		if n.IsValid() && n.Bits() == 0 {
			p.add(fmt.Sprintf("engine.trusted_proxies[%d]", i), "%s is everybody: anyone could then pass for any client, name the networks of the proxies", n)
		}
	}
	for key, l := range map[string]LogConfig{"engine.flow_log": c.Engine.FlowLog, "engine.access_log": c.Engine.AccessLog} {
		for i, text := range l.Targets {
			if _, err := l.target(text, ""); err != nil {
				p.add(fmt.Sprintf("%s.targets[%d]", key, i), "%v", err)
			}
		}
		if l.Facility < 0 || l.Facility > 7 {
			p.add(key+".facility", "%d is unknown, use 0 to 7 for local0 to local7", l.Facility)
		}
		if l.Queue < 0 {
			p.add(key+".queue", "%d is negative, use 0 for the default", l.Queue)
		}
	}
}
