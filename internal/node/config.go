package node

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/amphora-lb/amphora/internal/supervise"
)

// The roles of a node.
const (
	RoleAmphora = "amphora" // serves traffic and may hold the VIPs
	RoleWitness = "witness" // votes and stores the log, never holds a VIP
)

// Config is what amphorad.toml says. [Load] fills in the defaults.
type Config struct {
	Name     string `toml:"name"`      // unique in the cluster; default: the host name
	Role     string `toml:"role"`      // RoleAmphora (default) or RoleWitness
	DataDir  string `toml:"data_dir"`  // default /var/lib/amphora
	LogLevel string `toml:"log_level"` // debug, info (default), warn or error

	Cluster ClusterConfig `toml:"cluster"`
	VIP     VIPConfig     `toml:"vip"`
	Admin   AdminConfig   `toml:"admin"`
	API     APIConfig     `toml:"api"`
	Engine  EngineConfig  `toml:"engine"`

	Barbican BarbicanConfig `toml:"barbican"`

	// Bind, when set, makes every listener bind to this address instead of the
	// VIP of its load balancer, and no VIP is ever claimed. It is set by
	// development mode only and has no key in the file.
	Bind netip.Addr `toml:"-"`
	// Supervisor is what this process shares with the one that supervises it. Nil:
	// nobody does.
	Supervisor *supervise.Page `toml:"-"`
	// Logger receives everything that the node reports. The zero Config discards it.
	Logger *slog.Logger `toml:"-"`
}

// ClusterConfig says how this node and its peers find each other.
type ClusterConfig struct {
	Name    string   `toml:"name"`     // same on every node; default "amphora"
	Listen  string   `toml:"listen"`   // address:port for raft and for requests between nodes, TCP
	Gossip  string   `toml:"gossip"`   // address:port for gossip, UDP and TCP
	Peers   []string `toml:"peers"`    // gossip addresses of the other nodes
	Voters  []string `toml:"voters"`   // names of all first nodes: they form the cluster once all are up
	KeyFile string   `toml:"key_file"` // file with 32 bytes in base64 that only the nodes know; required beyond loopback
	Profile string   `toml:"profile"`  // timers: "lan-fast", "default" or "wan"; same on every node
}

// VIPConfig says where VIPs go.
type VIPConfig struct {
	Interface string `toml:"interface"` // required for an amphora
	// Gateways and TieBreakers are what a node of a pair without a witness asks
	// whether the network is there, when its peer is silent. Gateways default to
	// the next hop of the default route through Interface.
	Gateways    []netip.Addr `toml:"gateways"`
	TieBreakers []netip.Addr `toml:"tie_breakers"`
	// UnsafeNoGate lets a node hold VIPs on a host whose kernel allows no gate: a
	// frozen holder then goes on answering.
	UnsafeNoGate bool `toml:"unsafe_no_gate"`
}

// AdminConfig says where the admin API listens.
type AdminConfig struct {
	Socket string `toml:"socket"` // path of a unix socket; default /run/amphora/admin.sock
}

// Load reads a configuration file. Unknown keys and every broken value are
// reported together, each with its line or its key.
func Load(path string) (Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read configuration: %w", err)
	}
	cfg, err := Parse(data)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return cfg, nil
}

// Parse reads a configuration from TOML, fills in defaults and validates it.
func Parse(data []byte) (Config, error) {
	cfg := Config{API: APIConfig{Listen: DefaultAPIListen}} // so that "" can switch it off
	dec := toml.NewDecoder(strings.NewReader(string(data))).DisallowUnknownFields()
	if err := dec.Decode(&cfg); err != nil {
		return Config{}, describe(err)
	}
	cfg = cfg.withDefaults()
	return cfg, cfg.Validate()
}

// describe turns the decoder's errors into "line 3: cluster.nmae: unknown key".
func describe(err error) error {
	if strict := (*toml.StrictMissingError)(nil); errors.As(err, &strict) {
		var errs []error
		for _, e := range strict.Errors {
			row, _ := e.Position()
			errs = append(errs, fmt.Errorf("line %d: %s: unknown key", row, strings.Join(e.Key(), ".")))
		}
		return errors.Join(errs...)
	}
	if broken := (*toml.DecodeError)(nil); errors.As(err, &broken) {
		row, column := broken.Position()
		if key := strings.Join(broken.Key(), "."); key != "" {
			err = fmt.Errorf("%s: %w", key, err)
		}
		return fmt.Errorf("line %d, column %d: %w", row, column, err)
	}
	return err
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name, _ = os.Hostname() // an empty name is reported by Validate
	}
	setDefault(&c.Role, RoleAmphora)
	setDefault(&c.DataDir, "/var/lib/amphora")
	setDefault(&c.LogLevel, "info")
	setDefault(&c.Cluster.Name, "amphora")
	setDefault(&c.Cluster.Profile, "default")
	setDefault(&c.Admin.Socket, "/run/amphora/admin.sock")
	c.API = c.API.withDefaults()
	c.Barbican = c.Barbican.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// Level is the log level that LogLevel names.
func (c Config) Level() (slog.Level, error) {
	var level slog.Level
	err := level.UnmarshalText([]byte(c.LogLevel))
	return level, err
}

// clusterKey reads the key file: nil without one.
func (c Config) clusterKey() ([]byte, error) {
	path := c.Cluster.KeyFile
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read cluster.key_file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("cluster.key_file %s: others may read it; run: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read cluster.key_file: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("cluster.key_file %s: must hold 32 bytes in base64; make one with: head -c 32 /dev/urandom | base64", path)
	}
	return key, nil
}
