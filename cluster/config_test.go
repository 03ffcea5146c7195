package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestConfigReportsEveryProblem(t *testing.T) {
	good := testConfig(t, "a")
	good.FSM = &memFSM{}
	if err := good.Validate(); err != nil {
		t.Fatalf("the configuration that the cases change: %v", err)
	}
	tests := map[string]struct {
		change func(*Config)
		want   string
	}{
		"cluster":        {func(c *Config) { c.Cluster = "two words" }, `cluster: "two words"`},
		"name":           {func(c *Config) { c.Name = "" }, "name:"},
		"role":           {func(c *Config) { c.Role = "boss" }, `role: "boss"`},
		"data_dir":       {func(c *Config) { c.DataDir = "" }, "data_dir:"},
		"fsm":            {func(c *Config) { c.FSM = nil }, "fsm:"},
		"listen_addr":    {func(c *Config) { c.ListenAddr = "here" }, "listen_addr:"},
		"advertise_addr": {func(c *Config) { c.ListenAddr = ":7000" }, "advertise_addr: must be given"},
		"advertise_port": {func(c *Config) { c.AdvertiseAddr = "10.0.0.1:0" }, "advertise_addr:"},
		"advertise_len":  {func(c *Config) { c.AdvertiseAddr = strings.Repeat("h", 254) + ":1" }, "advertise_addr:"},
		"advertise_host": {func(c *Config) { c.AdvertiseAddr = "<&>:1" }, "advertise_addr:"},
		"gossip_addr":    {func(c *Config) { c.GossipAddr = "host.example:1" }, "gossip_addr:"},
		"gossip_adv":     {func(c *Config) { c.GossipAdvertise = "0.0.0.0:1" }, "gossip_advertise:"},
		"gossip_key":     {func(c *Config) { c.GossipKey = make([]byte, 17) }, "gossip_key: has 17 bytes"},
		"empty key":      {func(c *Config) { c.GossipKey = []byte{} }, "gossip_key: has 0 bytes"},
		"peers":          {func(c *Config) { c.Peers = []string{"10.0.0.1"} }, "peers:"},
		"voters":         {func(c *Config) { c.Voters = []string{"b", "c"} }, "voters: the list"},
		"voters twice":   {func(c *Config) { c.Voters = []string{"a", "a"} }, `voters: "a" is listed twice`},
		"election":       {func(c *Config) { c.ElectionTimeout = time.Millisecond }, "election_timeout:"},
		"leader lease":   {func(c *Config) { c.LeaderLeaseTimeout = time.Hour }, "leader_lease_timeout:"},
	}
	all := good
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := good
			test.change(&c)
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
	for _, name := range []string{"cluster", "name", "role"} {
		tests[name].change(&all)
	}
	err := all.Validate()
	for _, name := range []string{"cluster", "name", "role"} {
		if err == nil || !strings.Contains(err.Error(), tests[name].want) {
			t.Errorf("%q is missing among all problems: %v", tests[name].want, err)
		}
	}
}

func TestDefaultsAreValidForRaft(t *testing.T) {
	for _, heartbeat := range []time.Duration{0, 50 * time.Millisecond, 3 * time.Second} {
		c := Config{HeartbeatTimeout: heartbeat}.withDefaults()
		if err := raft.ValidateConfig(c.raftConfig("id")); err != nil {
			t.Errorf("heartbeat %v: %v", heartbeat, err)
		}
	}
}
