package conformance

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amphora-lb/amphora/internal/testenv"
)

// commands are all of `openstack loadbalancer`, in an order in which each finds what it
// needs. A line that begins with ! must be refused.
const commands = `
provider list
provider capability list amphora
! provider capability list nobody
flavorprofile create --name fp --provider amphora --flavor-data {"loadbalancer_topology":"ACTIVE_STANDBY"}
! flavorprofile create --name fp2 --provider amphora --flavor-data {
flavorprofile list
flavorprofile show fp
! flavorprofile show nothing
flavorprofile set --name fp1 fp
! flavorprofile set --name x nothing
flavor create --name fl --flavorprofile fp1 --description d --enable
! flavor create --name fl --flavorprofile fp1
flavor list
flavor show fl
! flavor show nothing
flavor set --enable fl
! flavor set --name x nothing
flavor unset --description fl
! flavor unset --description nothing
availabilityzoneprofile create --name zp --provider amphora --availability-zone-data {"compute_zone":"here"}
! availabilityzoneprofile create --name zp2 --provider amphora --availability-zone-data x
availabilityzoneprofile list
availabilityzoneprofile show zp
! availabilityzoneprofile show nothing
availabilityzoneprofile set --name zp1 zp
! availabilityzoneprofile set --name x nothing
availabilityzone create --name az --availabilityzoneprofile zp1 --description d --enable
! availabilityzone create --name az --availabilityzoneprofile zp1
availabilityzone list
availabilityzone show az
! availabilityzone show nothing
availabilityzone set --description e az
! availabilityzone set --description e nothing
availabilityzone unset --description az
! availabilityzone unset --description nothing
create --name lb1 --vip-subnet-id public --description d --tag a
! create --name lb2
! create --name lb2 --vip-subnet-id nothing
create --name lb2 --vip-subnet-id public --flavor fl --availability-zone az --wait
list
list --name lb1 --tags a
! list --limit x
show lb1
! show nothing
set --name lb1 --description e --tag b lb1
! set --name x nothing
unset --description lb1
! unset --description nothing
listener create --name l1 --protocol HTTP --protocol-port {port} lb1
! listener create --name l2 --protocol HTTP --protocol-port {port} lb1
! listener create --name l2 --protocol NONSENSE --protocol-port 8081 lb1
listener list
listener list --loadbalancer lb1
! listener list --limit x
listener show l1
! listener show nothing
listener set --connection-limit 200 --insert-headers X-Forwarded-For=true --allowed-cidr 0.0.0.0/0 l1
! listener set --connection-limit -5 l1
listener unset --connection-limit --allowed-cidrs l1
! listener unset --connection-limit nothing
listener stats show l1
! listener stats show nothing
pool create --name p1 --protocol HTTP --lb-algorithm ROUND_ROBIN --listener l1
! pool create --name p2 --protocol HTTP --lb-algorithm ROUND_ROBIN --listener l1
pool list
! pool list --limit x
pool show p1
! pool show nothing
pool set --lb-algorithm LEAST_CONNECTIONS --description d p1
! pool set --lb-algorithm NONSENSE p1
pool unset --description p1
! pool unset --description nothing
member create --name m1 --subnet-id public --address 192.0.2.31 --protocol-port 80 p1
! member create --address 192.0.2.31 --protocol-port 80 p1
! member create --address x --protocol-port 80 p1
member list p1
! member list nothing
member show p1 m1
! member show p1 nothing
member set --weight 5 p1 m1
! member set --weight 300 p1 m1
member unset --weight p1 m1
! member unset --weight p1 nothing
healthmonitor create --name h1 --type HTTP --delay 5 --timeout 3 --max-retries 2 --url-path /up p1
! healthmonitor create --name h2 --type HTTP --delay 5 --timeout 3 --max-retries 2 p1
healthmonitor list
! healthmonitor list --limit x
healthmonitor show h1
! healthmonitor show nothing
healthmonitor set --delay 7 --expected-codes 200-204 h1
! healthmonitor set --delay -1 h1
healthmonitor unset --expected-codes h1
! healthmonitor unset --name nothing
l7policy create --name po1 --action REDIRECT_TO_POOL --redirect-pool p1 l1
! l7policy create --name po2 --action REDIRECT_TO_POOL l1
l7policy list
! l7policy list --limit x
l7policy show po1
! l7policy show nothing
l7policy set --position 1 --description d po1
! l7policy set --redirect-url nonsense po1
l7policy unset --description po1
! l7policy unset --description nothing
l7rule create --type PATH --compare-type STARTS_WITH --value /x --tag t po1
! l7rule create --type PATH --compare-type REGEX --value ( po1
l7rule list po1
! l7rule list nothing
l7rule show po1 {rule}
! l7rule show po1 nothing
l7rule set --value /y po1 {rule}
! l7rule set --value /y po1 nothing
l7rule unset --invert po1 {rule}
! l7rule unset --invert po1 nothing
status show lb1
! status show nothing
stats show lb1
! stats show nothing
amphora list
! amphora list --limit x
amphora show {amphora}
! amphora show nothing
amphora stats show {amphora}
! amphora stats show nothing
amphora configure {amphora}
! amphora configure nothing
! amphora delete {amphora}
! amphora failover nothing
! failover nothing
quota defaults show
! quota defaults show nothing
quota list
! quota list --limit x
quota set --loadbalancer 10 {project}
! quota set --loadbalancer -7 {project}
quota show {project}
! quota show
quota unset --loadbalancer {project}
! quota unset --loadbalancer
quota reset {project}
! quota reset
l7rule delete po1 {rule}
! l7rule delete po1 nothing
l7policy delete po1
! l7policy delete nothing
healthmonitor delete h1
! healthmonitor delete nothing
member delete p1 m1
! member delete p1 nothing
pool delete p1
! pool delete nothing
listener delete l1
! listener delete nothing
! delete nothing
delete lb1
delete --cascade --wait lb2
availabilityzone delete az
! availabilityzone delete nothing
availabilityzoneprofile delete zp1
! availabilityzoneprofile delete nothing
flavor delete fl
! flavor delete nothing
flavorprofile delete fp1
! flavorprofile delete nothing
`

// TestOpenStackClient types every command of the client at least once as it should be
// and once as it should not.
func TestOpenStackClient(t *testing.T) {
	api := startDev(t)
	client := startOSC(t, nil, "OS_AUTH_TYPE=none", "OS_ENDPOINT="+api.base, "OS_CLOUD=")
	port, err := freePort() // the listener's, on loopback
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{"port": strconv.Itoa(port)}
	tried := map[string][2]bool{} // by subcommand: refused, worked
	for line := range strings.Lines(strings.TrimSpace(commands)) {
		args, refused := strings.Fields(line), false
		if args[0] == "!" {
			args, refused = args[1:], true
		}
		for i, a := range args {
			if len(a) > 2 && a[0] == '{' && a[1] >= 'a' && a[1] <= 'z' {
				name := strings.Trim(a, "{}")
				if known[name] == "" {
					known[name] = first(t, client, name)
				}
				args[i] = known[name]
			}
		}
		got, err := client.run(append([]string{"loadbalancer"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		if (got.Status != 0) != refused || strings.Contains(got.Output, "Traceback") {
			t.Errorf("openstack loadbalancer %s\nends with %d:\n%s", strings.TrimSpace(line), got.Status, got.Output)
		}
		name := subcommand(args)
		seen := tried[name]
		seen[map[bool]int{true: 0, false: 1}[refused]] = true
		tried[name] = seen
		testenv.Eventually(t, time.Minute, api.settled)
	}
	// A list cannot be wrong in every client, and what a data plane of one node cannot
	// do is done by TestTutorial.
	exempt := []string{"provider list", "flavorprofile list", "flavor list", "availabilityzone list", "availabilityzoneprofile list", "amphora delete", "amphora failover", "failover"}
	for _, name := range subcommands(t) {
		if seen := tried[name]; !slices.Contains(exempt, name) && seen != [2]bool{true, true} {
			t.Errorf("openstack loadbalancer %s: refused %v, worked %v; want both", name, seen[0], seen[1])
		}
	}
}

// first is the id of the first thing of a kind that the client lists, or makes.
func first(t *testing.T, client *osc, kind string) string {
	t.Helper()
	args := map[string]string{"rule": "loadbalancer l7rule list po1", "amphora": "loadbalancer amphora list --loadbalancer lb1", "project": "project create demo"}[kind]
	got, err := client.run(append(strings.Fields(args), "-f", "value", "-c", "id")...)
	if err != nil || got.Status != 0 || strings.TrimSpace(got.Output) == "" {
		t.Fatalf("list %s: %v %+v", kind, err, got)
	}
	return strings.Fields(got.Output)[0]
}

// subcommand is the words of a command line before its arguments.
func subcommand(args []string) string {
	words := []string{}
	verbs := []string{"create", "list", "show", "set", "unset", "delete", "failover", "configure", "reset"}
	for _, a := range args {
		words = append(words, a)
		if slices.Contains(verbs, a) {
			break
		}
	}
	return strings.Join(words, " ")
}

// subcommands lists what the client itself says that it has.
func subcommands(t *testing.T) (names []string) {
	t.Helper()
	out, err := exec.Command("/usr/bin/python3", "-c", `
from importlib.metadata import entry_points
for e in entry_points(group='openstack.load_balancer.v2'):
    print(e.name.removeprefix('loadbalancer_').replace('_', ' '))`).Output()
	if err != nil {
		t.Fatalf("list the client's commands: %v", err)
	}
	names = strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(names) < 70 {
		t.Fatalf("only %d commands: %q", len(names), names)
	}
	return names
}
