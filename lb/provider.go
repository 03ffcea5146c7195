package lb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// The providers. There is one, with the two names that Octavia's amphora driver has.
const (
	DefaultProvider = "amphora"
	OctaviaProvider = "octavia"
)

const (
	maxProvider    = 64   // characters of a provider's name
	maxProfileData = 4096 // characters of a profile's JSON
	maxZoneName    = 255
)

// Capability is a key that a profile's data may have.
type Capability struct {
	Name, Description string

	typ  string   // of JSON schema: string, boolean or array (of UUIDs)
	enum []string // the values allowed, nil: any
	uuid bool
}

var flavorCapabilities = []Capability{
	{
		Name: "loadbalancer_topology", typ: "string", enum: []string{"SINGLE", "ACTIVE_STANDBY"},
		Description: "The load balancer topology. One of: SINGLE - One amphora per load balancer. ACTIVE_STANDBY - Two amphora per load balancer.",
	},
	{Name: "compute_flavor", typ: "string", Description: "The compute driver flavor ID."},
	{Name: "amp_image_tag", typ: "string", Description: "The amphora image tag."},
	{Name: "sriov_vip", typ: "boolean", Description: "When true, the VIP port will be created using an SR-IOV VF port."},
	{
		Name: "allow_member_sriov", typ: "boolean",
		Description: "When true, users can request a member port be SR-IOV enabled at member creation time.",
	},
}

var zoneCapabilities = []Capability{
	{Name: "compute_zone", typ: "string", Description: "The compute availability zone."},
	{Name: "volume_zone", typ: "string", Description: "The volume availability zone."},
	{Name: "management_network", typ: "string", uuid: true, Description: "The management network ID for the amphora."},
	{
		Name: "valid_vip_networks", typ: "array",
		Description: "List of network IDs that are allowed for VIP use. This overrides/replaces the list of allowed networks configured in `octavia.conf`.",
	},
}

// FlavorCapabilities returns the keys that the data of a flavor profile may have.
func FlavorCapabilities() []Capability { return slices.Clone(flavorCapabilities) }

// AvailabilityZoneCapabilities returns the keys that the data of an availability zone
// profile may have.
func AvailabilityZoneCapabilities() []Capability { return slices.Clone(zoneCapabilities) }

// provider checks the name of a provider.
func (c *checker) provider(field, name string) bool {
	if name != DefaultProvider && name != OctaviaProvider {
		c.text(field, name, maxProvider)
		c.invalid(field, "Provider '%s' is not enabled.", name)
		return false
	}
	return true
}

// profileData checks the data of a profile as the provider would: it refuses what it does
// not know.
func (c *checker) profileData(field, provider, data string, known []Capability) {
	c.text(field, data, maxProfileData)
	values, err := parseObject(data)
	if err != nil {
		c.invalid(field, "%s is not a valid option for %s", data, field)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(known, func(k Capability) bool { return k.Name == key })
		why := fmt.Sprintf("Additional properties are not allowed ('%s' was unexpected)", key)
		if i >= 0 {
			why = known[i].refuses(values[key])
		}
		if why != "" {
			c.add(ErrUnsupported, field, "Provider '%s' does not support a requested option: %s", provider, why)
		}
	}
}

// refuses says why v is no value for the key, "" if it is one.
func (k Capability) refuses(v any) string {
	var ok bool
	switch k.typ {
	case "boolean":
		_, ok = v.(bool)
	case "array":
		var all []any
		if all, ok = v.([]any); ok {
			for _, each := range all {
				if s, isText := each.(string); !isText || !validID(strings.ToLower(s)) {
					return fmt.Sprintf("%s: %v is not a UUID", k.Name, each)
				}
			}
		}
	default:
		var s string
		s, ok = v.(string)
		switch {
		case ok && k.enum != nil && !slices.Contains(k.enum, s):
			return fmt.Sprintf("%s: '%s' is not one of ['%s']", k.Name, s, strings.Join(k.enum, "', '"))
		case ok && k.uuid && !validID(strings.ToLower(s)):
			return fmt.Sprintf("%s: '%s' is not a UUID", k.Name, s)
		}
	}
	if !ok {
		text, _ := json.Marshal(v) // of JSON: cannot fail
		return fmt.Sprintf("%s: %s is not of type '%s'", k.Name, text, k.typ)
	}
	return ""
}

func parseObject(data string) (map[string]any, error) {
	var values map[string]any
	d := json.NewDecoder(bytes.NewReader([]byte(data)))
	if err := d.Decode(&values); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || values == nil {
		return nil, errors.New("not one JSON object")
	}
	return values, nil
}

// flavorData returns what the flavor says, empty for none.
func (c *Config) flavorData(id FlavorID) map[string]any {
	f, ok := c.flavors.Get(id)
	if !ok {
		return nil
	}
	p, _ := c.flavorProfiles.Get(f.ProfileID)
	values, _ := parseObject(p.Data) // was checked when it was set
	return values
}

// VNICType returns what kind of port the VIP of a load balancer is: direct when its flavor
// says so, else normal.
func (c *Config) VNICType(b *LoadBalancer) string {
	if on, _ := c.flavorData(b.FlavorID)["sriov_vip"].(bool); on {
		return "direct"
	}
	return "normal"
}

// memberSRIOV reports whether the flavor of a load balancer lets members have SR-IOV
// ports.
func (c *Config) memberSRIOV(b *LoadBalancer) bool {
	on, _ := c.flavorData(b.FlavorID)["allow_member_sriov"].(bool)
	return on
}

// vipNetworks returns the ids of the networks that VIPs of an availability zone may be
// of; nil if it does not say.
func (c *Config) vipNetworks(z *AvailabilityZone) []NetworkID {
	p, _ := c.zoneProfiles.Get(z.ProfileID)
	values, _ := parseObject(p.Data) // was checked when it was set
	all, _ := values["valid_vip_networks"].([]any)
	var ids []NetworkID
	for _, id := range all {
		ids = append(ids, NetworkID(strings.ToLower(id.(string))))
	}
	return ids
}
