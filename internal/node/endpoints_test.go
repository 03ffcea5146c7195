package node

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/amphora-lb/amphora/rpc/admin"
)

func TestRootURL(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		listen string
		secure bool
		want   string
	}{
		{"127.0.0.1:9876", false, "http://127.0.0.1:9876"},
		{"[2001:db8::1]:9876", true, "https://[2001:db8::1]:9876"},
		{"0.0.0.0:9876", true, "https://" + name + ":9876"},
		{"[::]:1", false, "http://" + name + ":1"},
	} {
		if got := rootURL(tt.listen, tt.secure); got != tt.want {
			t.Errorf("%s, %v: got %s, want %s", tt.listen, tt.secure, got, tt.want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for _, tt := range []struct {
		name string
		api  APIConfig
		want admin.Endpoints
	}{
		{"off", APIConfig{Auth: AuthNone}, admin.Endpoints{}},
		{"open", APIConfig{Listen: "127.0.0.1:0", Auth: AuthNone, PublicURL: "https://lb.example.org/"}, admin.Endpoints{
			LoadBalancer: "https://lb.example.org", Network: "https://lb.example.org/network", KeyManager: "https://lb.example.org/key-manager", Region: "RegionOne",
		}},
		{"users of the cluster", APIConfig{Listen: "127.0.0.1:0", Auth: AuthKeystone, PublicURL: "https://lb.example.org", Region: "north"}, admin.Endpoints{
			Identity:     "https://lb.example.org/identity/v3",
			LoadBalancer: "https://lb.example.org", Network: "https://lb.example.org/network", KeyManager: "https://lb.example.org/key-manager", Region: "north",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := DevConfig(netip.MustParseAddr("127.0.0.1"), dir, filepath.Join(dir, "admin.sock"))
			cfg.API = tt.api
			n, err := Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := n.close(); err != nil {
					t.Error(err)
				}
			})
			if got := n.endpoints(); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
