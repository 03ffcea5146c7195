package sim

import (
	"fmt"
	"reflect"
	"strings"
)

// Counts is what happened in one or more worlds. A simulation in which something
// never happened proves nothing about it.
type Counts struct {
	Worlds, Steps                                  int
	Claims, Extends, LateExtends                   int
	Failovers, Elections, Campaigns, Gives         int
	Expiries, Releases, Handovers, Transfers       int
	Fences, Unfit                                  int
	Evident, SoloClaims, Probes                    int
	Refusals, Nacks, Stalled, LogBehind, Suspected int
	Crashes, Freezes, Stalls, PowerCuts, Cuts      int
	Settled                                        int // times that a healthy cluster was found with one holder
}

// Add adds what other worlds have counted.
func (c *Counts) Add(o Counts) {
	v, w := reflect.ValueOf(c).Elem(), reflect.ValueOf(o)
	for i := range v.NumField() {
		v.Field(i).SetInt(v.Field(i).Int() + w.Field(i).Int())
	}
}

// Missing names the counters that are still zero.
func (c Counts) Missing() []string {
	var names []string
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if v.Field(i).Int() == 0 {
			names = append(names, strings.ToLower(v.Type().Field(i).Name))
		}
	}
	return names
}

func (c Counts) String() string {
	var b strings.Builder
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		fmt.Fprintf(&b, " %s=%d", strings.ToLower(v.Type().Field(i).Name), v.Field(i).Int())
	}
	return b.String()[1:]
}
