package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

// offerLimit is how long a shell waits for names after TAB.
const offerLimit = 2 * time.Second

// offer teaches all commands what the shell offers for their arguments and
// flags: by the word for an argument in the usage, by the kind of a flag's value.
// Files are offered for the socket alone.
func (c *cli) offer(root *cobra.Command) {
	offers := map[string]cobra.CompletionFunc{
		"subnet":        names(c, subnetKind),
		"loadbalancer":  names(c, loadBalancerKind),
		"listener":      names(c, listenerKind),
		"pool":          names(c, poolKind),
		"member":        names(c, memberKind),
		"healthmonitor": names(c, healthMonitorKind),
		"network":       names(c, networkKind),
		"port":          names(c, portKind),
		"securitygroup": names(c, securityGroupKind),
		"qospolicy":     names(c, qosPolicyKind),
		"l7policy":      names(c, l7PolicyKind),
		"l7rule":        names(c, l7RuleKind),
		"flavorprofile": names(c, flavorProfileKind),
		"flavor":        names(c, flavorKind),
		"project":       names(c, projectKind),
		"user":          names(c, userKind),
		"role":          names(c, roleKind),
		"secret":        names(c, secretKind),
		"container":     names(c, containerKind),

		"availabilityzone":        names(c, zoneKind),
		"availabilityzoneprofile": names(c, zoneProfileKind),

		"node":    c.nodes(func(admin.Node) bool { return true }),
		"amphora": c.nodes(func(n admin.Node) bool { return n.Role == admin.Amphora }),

		"protocol": words(lb.ProtocolHTTP, lb.ProtocolHTTPS, lb.ProtocolTCP, lb.ProtocolUDP, lb.ProtocolSCTP,
			lb.ProtocolTerminatedHTTPS, lb.ProtocolPrometheus, lb.ProtocolPROXY, lb.ProtocolPROXYV2),
		"type": words(lb.MonitorHTTP, lb.MonitorHTTPS, lb.MonitorTCP, lb.MonitorPing, lb.MonitorTLSHello,
			lb.MonitorUDPConnect, lb.MonitorSCTP),
		"algorithm":     words(lb.RoundRobin, lb.LeastConnections, lb.SourceIP, lb.SourceIPPort),
		"action":        words(lb.L7Reject, lb.L7RedirectToURL, lb.L7RedirectToPool, lb.L7RedirectPrefix),
		"ruletype":      words(lb.L7HostName, lb.L7Path, lb.L7FileType, lb.L7Header, lb.L7Cookie, lb.L7SSLConnHasCert, lb.L7SSLVerifyResult, lb.L7SSLDNField),
		"comparison":    words(lb.L7Regex, lb.L7StartsWith, lb.L7EndsWith, lb.L7Contains, lb.L7EqualTo),
		"clientauth":    words(lb.ClientAuthNone, lb.ClientAuthOptional, lb.ClientAuthMandatory),
		"secrettype":    words("certificate", "private", "public", "passphrase", "opaque", "symmetric"),
		"containertype": words("certificate", "rsa", "generic"),
		"provider":      words("amphora", "octavia"),
		"file":          cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault),
		"format":        formats,
	}
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	_ = root.RegisterFlagCompletionFunc("socket", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault))
	teach(root, offers)
}

func teach(cmd *cobra.Command, offers map[string]cobra.CompletionFunc) {
	params := strings.Fields(strings.ToLower(cmd.Use))[1:]
	if cmd.ValidArgs == nil && cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) < len(params) {
				if offer, ok := offers[params[len(args)]]; ok {
					return offer(cmd, args, typed)
				}
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if offer, ok := offers[f.Value.Type()]; ok {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, offer) // the flag exists and has none yet
		}
	})
	for _, sub := range cmd.Commands() {
		teach(sub, offers)
	}
}

func words[T ~string](all ...T) cobra.CompletionFunc {
	var texts []string
	for _, w := range all {
		texts = append(texts, string(w))
	}
	return cobra.FixedCompletions(texts, cobra.ShellCompDirectiveNoFileComp)
}

// formats offers how a command can print.
func formats(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if cmd.Name() == "events" {
		return words(asTable, asJSON)(cmd, args, typed)
	}
	return words(allFormats...)(cmd, args, typed)
}

// asked offers what the node answers. A shell has no use for an error: without
// an answer in time it offers what there is so far.
func (c *cli) asked(answer func(ctx context.Context, client *admin.Client, args []string, add func(string)) error) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) (all []string, _ cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), offerLimit)
		defer cancel()
		_ = c.watch(ctx, func(ctx context.Context, client *admin.Client) error {
			return answer(ctx, client, args, func(s string) { all = append(all, s) })
		})
		return all, cobra.ShellCompDirectiveNoFileComp
	}
}

// names offers the resources of a kind; members those of the pool that is the
// argument before.
func names[T, S any](c *cli, k kind[T, S]) cobra.CompletionFunc {
	return c.asked(func(ctx context.Context, client *admin.Client, args []string, add func(string)) error {
		all := k.of(client).Stale()
		if k.within != "" {
			all = all.In(args[0])
		}
		for r, err := range all.List(ctx) {
			if err != nil {
				return err
			}
			add(shortest(k.record(r)))
		}
		return nil
	})
}

// shortest is what people would call a resource: its name if it has one that
// can be typed, the address of a member, or its id.
func shortest(r record) string {
	if name, _ := r.get("name").(string); name != "" && printable(name) == name {
		return name
	}
	if addr, ok := r.get("address").(string); ok {
		return net.JoinHostPort(addr, fmt.Sprint(r.get("protocol_port")))
	}
	return cell(r.get("id"))
}

// nodes offers the nodes of the cluster that are wanted.
func (c *cli) nodes(wanted func(admin.Node) bool) cobra.CompletionFunc {
	return c.asked(func(ctx context.Context, client *admin.Client, _ []string, add func(string)) error {
		st, err := client.Status(ctx)
		for _, n := range st.Nodes {
			if wanted(n) {
				add(n.Name)
			}
		}
		return err
	})
}
