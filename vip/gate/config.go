package gate

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Backend is what drops the packets.
type Backend string

// The backends.
const (
	// Auto is BPF where the kernel lets us, else NFT with a warning.
	Auto Backend = "auto"
	// BPF is a pair of programs at the interface: exact to the packet.
	BPF Backend = "bpf"
	// NFT is a table of nftables rules: exact to a tick of the kernel, and with
	// the weaknesses that DESIGN.md names.
	NFT Backend = "nft"
)

// Config describes a Gate. The zero value of every field but Interface has a
// default.
type Config struct {
	// Interface is the name of the Ethernet interface that is guarded. It may be
	// a VLAN, bond or bridge interface.
	Interface string

	// Backend chooses what drops the packets. Default Auto.
	Backend Backend

	// Cluster names the cluster whose terms are spoken of. What a process of
	// another cluster has left is adopted shut, and its terms are forgotten, since
	// they would keep ours out.
	Cluster string

	// Logger receives one record per change of state. Nil discards them.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Backend == "" {
		c.Backend = Auto
	}
	return c
}

// Validate reports every field that is wrong.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	if err := validName(c.Interface); err != nil {
		errs = append(errs, err)
	}
	switch c.Backend {
	case Auto, BPF, NFT:
	default:
		errs = append(errs, fmt.Errorf("backend: %q is none of auto, bpf, nft", c.Backend))
	}
	return errors.Join(errs...)
}

// validName accepts what Linux does (dev_valid_name): the name becomes part of a
// path.
func validName(name string) error {
	const maxName = 15 // IFNAMSIZ without its NUL
	if name == "" || len(name) > maxName || name == "." || name == ".." || strings.ContainsAny(name, "/: \t\n\v\f\r") {
		return fmt.Errorf("interface: %q is not the name of a network interface", name)
	}
	return nil
}
