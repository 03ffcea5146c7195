package vip

import (
	"errors"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/amphora-lb/amphora/internal/netns"
	"github.com/amphora-lb/amphora/internal/testenv"
)

func TestCheckInterface(t *testing.T) {
	l := newLab(t)
	check := func(iface string) (err error) {
		_ = l.amphora.Do(func() error { err = Check(iface); return nil })
		return err
	}
	if err := check("eth0"); err != nil {
		t.Errorf("check of a good interface: %v", err)
	}
	if err := check("eth9"); !errors.Is(err, errNoInterface) || !strings.Contains(err.Error(), `"eth9"`) || !strings.Contains(err.Error(), "lo, eth0") {
		t.Errorf("check of an interface that is not there: got %v, want %v, its name, and lo, eth0", err, errNoInterface)
	}
	if err := check("lo"); err == nil || !strings.Contains(err.Error(), "no Ethernet address") {
		t.Errorf("check of the loopback interface: got %v", err)
	}
	must(t, l.amphora.Do(func() error {
		_, err := New(Config{Interface: "eth9"})
		if !errors.Is(err, errNoInterface) {
			t.Errorf("new on an interface that is not there: got %v", err)
		}
		return nil
	}))
}

// TestAdviseOnASecondInterface lays a second cable into the same network.
func TestAdviseOnASecondInterface(t *testing.T) {
	l := newLab(t)
	advise := func() (advice []string) {
		t.Helper()
		must(t, l.amphora.Do(func() (err error) { advice, err = Advise("eth0"); return err }))
		return advice
	}
	must(t, netns.Veth(l.sw, "port9", l.amphora, "eth1"))
	must(t, l.amphora.AddAddr("eth1", netip.MustParsePrefix("198.51.100.9/24")))
	must(t, l.amphora.Up("eth1"))
	if got := advise(); len(got) != 0 {
		t.Errorf("with another network: advice is %q, want none", got)
	}
	must(t, l.amphora.AddAddr("eth1", netip.MustParsePrefix("192.0.2.9/24")))
	if got := advise(); len(got) != 1 || !strings.Contains(got[0], "net.ipv4.conf.eth1.arp_ignore=1") {
		t.Errorf("in the same network: advice is %q, want one on arp_ignore of eth1", got)
	}
	must(t, l.amphora.Sysctl("ipv4/conf/all/arp_ignore", "1"))
	if got := advise(); len(got) != 0 {
		t.Errorf("with arp_ignore for all: advice is %q, want none", got)
	}
}

// TestCheckPrivileges gives up privileges on a thread that is thrown away after.
func TestCheckPrivileges(t *testing.T) {
	testenv.RequireRoot(t)
	for _, tc := range []struct {
		name string
		drop uint32
		want []string
		not  []string
	}{
		{"both", 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW, []string{"CAP_NET_ADMIN", "CAP_NET_RAW", "setcap"}, nil},
		{"admin", 1 << unix.CAP_NET_ADMIN, []string{"CAP_NET_ADMIN"}, []string{"CAP_NET_RAW"}},
		{"raw", 1 << unix.CAP_NET_RAW, []string{"CAP_NET_RAW"}, []string{"CAP_NET_ADMIN"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := checkPrivileges(); err != nil {
				t.Fatalf("before they are given up: %v", err)
			}
			got := make(chan error, 1)
			go func() {
				runtime.LockOSThread() // and never unlocked
				if err := dropCapabilities(tc.drop); err != nil {
					got <- err
					return
				}
				got <- checkPrivileges()
			}()
			err := <-got
			if err == nil {
				t.Fatal("no error without the privileges")
			}
			message, _, _ := strings.Cut(err.Error(), ": run as root")
			for _, s := range tc.want {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("got %q, want it to name %s", err, s)
				}
			}
			for _, s := range tc.not {
				if strings.Contains(message, s) {
					t.Errorf("got %q, which names %s", message, s)
				}
			}
		})
	}
}

func dropCapabilities(mask uint32) error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return err
	}
	data[0].Effective &^= mask
	return unix.Capset(&hdr, &data[0])
}

func TestKernelAtLeast(t *testing.T) {
	for release, want := range map[string]bool{
		"5.17.9": false, "5.4.0-150-generic": false, "4.19.0": false, "5.18-rc1": true, "5.18.0": true,
		"6.1.0-13-amd64": true, "6.18.44-fc": true, "10.0": true, "6": true, "odd": true,
	} {
		if got := kernelAtLeast(release, 5, 18); got != want {
			t.Errorf("%s is at least 5.18: got %v, want %v", release, got, want)
		}
	}
}

func TestLabel(t *testing.T) {
	for iface, want := range map[string]string{
		"eth0": "eth0:amphora", "enp0s31f6": "enp0s31f6:ampho", "abcdefghijklm": "abcdefghijklm:a",
		"abcdefghijklmn": "abcdefghijklmn", "abcdefghijklmno": "abcdefghijklmno",
	} {
		if got := label(iface); got != want {
			t.Errorf("label of %s: got %q, want %q", iface, got, want)
		}
	}
}
