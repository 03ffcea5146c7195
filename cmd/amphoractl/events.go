package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/amphora-lb/amphora/rpc/admin"
)

func (c *cli) events() *cobra.Command {
	q := admin.EventQuery{Last: 20}
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what happened lately on a node",
		Long: `Show the latest events that the node that is asked has seen: changes of resources,
nodes that come and go, virtual IPs that move. A node keeps a limited number of
events, in memory. With -o json each line is an event.`,
		Example: "  amphoractl events --watch\n  amphoractl events --since 10m",
		Args:    cobra.MatchAll(arguments(), c.noIDs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ask := c.ask
			if q.Follow {
				ask = c.watch
			}
			if !q.Since.IsZero() && !cmd.Flags().Changed("last") {
				q.Last = 0 // all of them
			}
			return ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error {
				for e, err := range client.Events(ctx, q) {
					switch {
					case errors.Is(err, context.Canceled) && ctx.Err() != nil:
						return nil // interrupted: the way to end a watch
					case err != nil:
						return err
					}
					if err := c.printEvent(e); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVarP(&q.Follow, "watch", "w", false, "go on with new events until interrupted")
	cmd.Flags().Uint32Var(&q.Last, "last", q.Last, "show so many of the latest events")
	cmd.Flags().Var(value{kind: "time", set: func(s string) (err error) {
		q.Since, err = instantAgo(time.Now(), s)
		return err
	}}, "since", "show all events since then, or the --last so many of those: a time such as 2026-01-02T15:04:05Z, or how long ago, such as 10m")
	return cmd
}

// noIDs refuses what a stream of events cannot be printed as; what has an id is not the
// event but what it is about.
func (c *cli) noIDs(*cobra.Command, []string) error {
	if f := c.output.format; f != asTable && f != asJSON && f != "" {
		return errors.New("events have no id and come one by one: use -o table or -o json")
	}
	return nil
}

// instantAgo parses a point in time, or how long before now it was.
func instantAgo(now time.Time, s string) (time.Time, error) {
	if ago, err := time.ParseDuration(s); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, errors.New("use a time such as 2026-01-02T15:04:05Z, or how long ago, such as 10m")
	}
	return t, nil
}

func (c *cli) printEvent(e admin.SeenEvent) error {
	if e.Missed > 0 {
		fmt.Fprintf(c.stderr, "amphoractl: %d events were dropped here\n", e.Missed)
	}
	if c.output.format == asJSON {
		line, err := json.Marshal(record{
			{"seq", e.Seq},
			{"at", e.At.Format(time.RFC3339Nano)},
			{"node", e.Node},
			{"kind", string(e.Kind)},
			{"resource", optional(e.Resource)},
			{"id", optional(e.ID)},
			{"name", optional(e.Name)},
			{"message", optional(e.Message)},
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.stdout, "%s\n", line)
		return err
	}
	name := e.Name
	if name == "" {
		name = e.ID
	}
	words := []string{e.At.Format("2006-01-02T15:04:05.000Z07:00"), e.Node + ":"}
	for _, w := range []string{e.Resource, name, string(e.Kind)} {
		if w != "" {
			words = append(words, printable(w))
		}
	}
	text := strings.Join(words, " ")
	if e.Message != "" {
		text += ": " + printable(e.Message)
	}
	_, err := fmt.Fprintln(c.stdout, text)
	return err
}
