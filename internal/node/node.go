package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/amphora-lb/amphora/cluster"
	"github.com/amphora-lb/amphora/fsm"
	"github.com/amphora-lb/amphora/internal/certs"
	"github.com/amphora-lb/amphora/internal/event"
	"github.com/amphora-lb/amphora/internal/logkey"
	"github.com/amphora-lb/amphora/internal/password"
	"github.com/amphora-lb/amphora/internal/seal"
	"github.com/amphora-lb/amphora/proxy"
	"github.com/amphora-lb/amphora/rpc/admin"
	"github.com/amphora-lb/amphora/vip"
	"github.com/amphora-lb/amphora/vip/gate"
)

// stateFile is the file of the state machine in the data directory. A snapshot that is
// being taken over is beside it.
const stateFile = "fsm.db"

// Node is one node of Amphora.
type Node struct {
	cfg     Config
	state   *fsm.FSM
	cluster *cluster.Node
	engine  *proxy.Engine // nil on a witness
	vips    *vip.Holder   // nil on a witness and in development mode
	prober  *vip.Prober   // nil where vips is
	fence   fence         // nil on a witness
	gate    *gate.Gate    // nil without a gate in the kernel
	admin   *admin.Server
	socket  net.Listener
	key     *seal.Key // for secrets and tokens

	elsewhere *certs.Follower // nil without a Barbican
	secrets   *certs.Resolver // of what is served: copies of what is elsewhere
	checks    *certs.Resolver // of what is checked before it is served: asks each time

	rest *http.Server // nil without REST APIs

	passwords    *password.Hasher // one for all, as it says how much of the processor they get
	restListener net.Listener     // nil where rest is
	events       *event.Log
	holding      atomic.Uint64 // term in which this node is the holder, 0: it is not
	partners     partners      // how the gates of the other amphorae are reached
	draining     draining
	vipsGone     bool // the VIPs were removed in order at the end; set by their stage

	holderView remembered
}

// Open makes a node out of its configuration: it checks the host, opens the data
// directory and binds the ports. It starts nothing; the caller must call Run.
func Open(cfg Config) (*Node, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := Check(cfg); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make data_dir: %w", err)
	}
	n := &Node{cfg: cfg, passwords: password.New(0), events: event.NewLog(event.Config{Node: cfg.Name})}
	if err := n.open(); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *Node) open() error {
	// The identity first: it refuses the directory of another cluster before
	// anything in there is touched.
	if _, err := cluster.LoadIdentity(n.cfg.DataDir, n.cfg.Cluster.Name); err != nil {
		return err
	}
	if err := cluster.Settle(n.cfg.DataDir, stateFile, stateFile+".restore"); err != nil {
		return err
	}
	var err error
	if n.state, err = fsm.Open(filepath.Join(n.cfg.DataDir, stateFile), n.cfg.Logger.With(logkey.Component, "fsm")); err != nil {
		return err
	}
	if err := n.openSeal(); err != nil {
		return err
	}
	if err := n.openSecrets(); err != nil {
		return err
	}
	if err := n.openFence(); err != nil {
		return err
	}
	if err := n.openEngine(); err != nil {
		return err
	}
	if n.cluster, err = n.openCluster(); err != nil {
		return err
	}
	if n.admin, err = admin.NewServer(admin.Config{
		Backend: backend{n}, Events: n.events, Logger: n.cfg.Logger.With(logkey.Component, "admin"),
		Sealer: n.key, Hasher: n.passwords, Endpoints: n.endpoints, Stats: backend{n}.Stats,
		Check: backend{n}.checkRefs,
	}); err != nil {
		return err
	}
	if n.socket, err = admin.Listen(n.cfg.Admin.Socket); err != nil {
		return err
	}
	if err = n.openAPI(); err != nil {
		return err
	}
	return n.describe()
}

func (n *Node) openEngine() error {
	if n.cfg.Role != RoleAmphora {
		return nil
	}
	var err error
	log := n.cfg.Logger.With(logkey.Component, "proxy")
	if n.engine, err = proxy.New(proxy.Config{
		Bind: n.cfg.Bind, Logger: log,
		Secrets:   secrets{n.secrets, log},
		TicketKey: n.key.TicketKey,

		TrustedProxies: n.cfg.Engine.TrustedProxies, Logs: n.cfg.Engine.logs(log),
	}); err != nil {
		return err
	}
	if n.cfg.Bind.IsValid() {
		return nil
	}
	n.vips, err = vip.New(vip.Config{
		Interface: n.cfg.VIP.Interface, Guard: n.fence, Lifetime: lifetimes[n.cfg.Cluster.Profile],
		Gateways: n.cfg.VIP.Gateways,
		Logger:   n.cfg.Logger.With(logkey.Component, "vip"),
	})
	if err != nil {
		return err
	}
	n.prober, err = vip.NewProber(vip.ProberConfig{
		Interface: n.cfg.VIP.Interface, Gateways: n.cfg.VIP.Gateways, TieBreakers: n.cfg.VIP.TieBreakers,
		Logger: n.cfg.Logger.With(logkey.Component, "prober"),
	})
	return err
}

func (n *Node) openCluster() (*cluster.Node, error) {
	key, err := n.cfg.clusterKey()
	if err != nil {
		return nil, err
	}
	var secure *tls.Config
	if key != nil {
		if secure, err = keyTLS(key); err != nil {
			return nil, err
		}
	}
	settings := cluster.Config{
		Cluster: n.cfg.Cluster.Name, Name: n.cfg.Name, Role: cluster.Role(n.cfg.Role), DataDir: n.cfg.DataDir,
		ListenAddr: n.cfg.Cluster.Listen, GossipAddr: n.cfg.Cluster.Gossip,
		GossipKey: key, TLS: secure,
		Peers: n.cfg.Cluster.Peers, Voters: n.cfg.Cluster.Voters,
		Profile: cluster.Profile(n.cfg.Cluster.Profile), VIPLink: n.link(),
		FSM: n.state, FSMIndex: n.state.Index, Check: decodable,
		Register: n.registerPeers,
		Logger:   n.cfg.Logger,
		Beat:     n.cfg.Supervisor.Beat, Publish: n.publish,
	}
	if n.fence != nil {
		settings.Gate = n.fence
	}
	if n.prober != nil {
		settings.Prober = n.prober
	}
	return cluster.Open(settings)
}

// decodable refuses what this node's state machine could not decode.
func decodable(command []byte) error {
	_, _, err := fsm.DecodeCommand(command)
	return err
}

// close undoes what open did, whatever it came to.
func (n *Node) close() error {
	var errs []error
	if n.socket != nil {
		if err := n.socket.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if n.restListener != nil {
		if err := n.restListener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if n.cluster != nil {
		errs = append(errs, n.cluster.Close())
	}
	errs = append(errs, n.closeFence())
	if n.state != nil {
		errs = append(errs, n.state.Close())
	}
	return errors.Join(errs...)
}

// Run runs the node until ctx ends, then stops its parts in order: the admin API,
// the seat in the cluster, which hands the VIPs over, the holder's work with them,
// the data plane, the store. It returns nil after an orderly stop, and may be called once.
func (n *Node) Run(ctx context.Context) error {
	var stages []stage
	if n.engine != nil {
		stages = append(stages, stage{"data plane", n.engine.Run}, stage{"configuration watch", n.follow})
	} else {
		stages = append(stages, stage{"configuration watch", n.follow})
	}
	if n.elsewhere != nil {
		stages = append(stages, stage{"secrets elsewhere", n.followSecrets})
	}
	if n.gate != nil {
		stages = append(stages, stage{"gate", n.gate.Run})
	}
	if n.vips != nil {
		stages = append(stages, stage{"VIP holder", n.runVIPs}, stage{"VIP watch", n.watchVIPs}, stage{"network prober", n.prober.Run})
	}
	stages = append(stages,
		// It stops after the cluster node, which hands over while this one serves.
		stage{"holder", n.lead},
		stage{"cluster node", n.cluster.Run},
		stage{"cluster watch", n.watchCluster},
		stage{"gate watch", n.watchFence},
		stage{"admin API", func(ctx context.Context) error { return n.admin.Serve(ctx, n.socket) }},
		stage{"line to the supervisor", n.attend},
	)
	if n.engine != nil {
		stages = append(stages, stage{"session persistence", n.spread})
	}
	if n.rest != nil { // a witness too: it reads and forwards as well as others
		stages = append(stages, stage{"REST APIs", n.serveAPI})
	}
	return errors.Join(runStages(ctx, stages), n.close())
}

// DevConfig is the configuration of development mode: one node, alone, with all
// its ports on loopback and listeners bound to bind.
func DevConfig(bind netip.Addr, dataDir, socket string) Config {
	return Config{
		Name: "dev", Role: RoleAmphora, DataDir: dataDir, Bind: bind,
		Cluster: ClusterConfig{Name: "dev", Listen: "127.0.0.1:0", Gossip: "127.0.0.1:0", Voters: []string{"dev"}},
		Admin:   AdminConfig{Socket: socket},
		API:     APIConfig{Listen: "127.0.0.1:0", Auth: AuthNone},
	}
}
