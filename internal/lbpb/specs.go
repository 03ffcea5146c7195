package lbpb

import (
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/amphora-lb/amphora/lb"
)

func fromMetaSpec(n *nulls, s lb.MetaSpec) *MetaSpec {
	return &MetaSpec{
		ProjectId:    from(n, "project_id", s.ProjectID, formatText),
		Name:         from(n, "name", s.Name, formatText),
		Description:  from(n, "description", s.Description, formatText),
		AdminStateUp: from(n, "admin_state_up", s.AdminStateUp, formatBool),
		Tags:         from(n, "tags", s.Tags, formatStrings),
	}
}

func (m *MetaSpec) toLB(f *fields) lb.MetaSpec {
	if m == nil {
		m = &MetaSpec{} // its fields may still be null
	}
	return lb.MetaSpec{
		ProjectID:    to(f, "project_id", m.ProjectId, parseText[string]),
		Name:         to(f, "name", m.Name, parseText[string]),
		Description:  to(f, "description", m.Description, parseText[string]),
		AdminStateUp: to(f, "admin_state_up", m.AdminStateUp, parseBool),
		Tags:         to(f, "tags", m.Tags, parseStrings),
	}
}

// toTLSParams is for listeners and pools.
func toTLSParams(f *fields, ciphers *string, versions, alpn *Strings) lb.TLSParamsSpec {
	return lb.TLSParamsSpec{
		Ciphers:  to(f, "tls_ciphers", ciphers, parseText[string]),
		Versions: to(f, "tls_versions", versions, parseStrings),
		ALPN:     to(f, "alpn_protocols", alpn, parseStrings),
	}
}

// FromSubnetSpec encodes the spec of a subnet.
func FromSubnetSpec(s lb.SubnetSpec) *SubnetSpec {
	var n nulls
	x := &SubnetSpec{
		Meta:            fromMetaSpec(&n, s.MetaSpec),
		NetworkId:       from(&n, "network_id", s.NetworkID, formatText),
		Cidr:            from(&n, "cidr", s.CIDR, formatPrefixField),
		GatewayIp:       from(&n, "gateway_ip", s.Gateway, formatAddrField),
		AllocationPools: from(&n, "allocation_pools", s.Allocations, formatRanges),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a subnet.
func (x *SubnetSpec) ToLB() (lb.SubnetSpec, error) {
	if x == nil {
		x = &SubnetSpec{}
	}
	f := newFields(lb.KindSubnet, x.NullFields)
	s := lb.SubnetSpec{
		MetaSpec:    x.Meta.toLB(f),
		NetworkID:   to(f, "network_id", x.NetworkId, parseText[lb.NetworkID]),
		CIDR:        to(f, "cidr", x.Cidr, parsePrefixField),
		Gateway:     to(f, "gateway_ip", x.GatewayIp, parseAddrField),
		Allocations: to(f, "allocation_pools", x.AllocationPools, parseRanges),
	}
	return s, f.done()
}

// FromLoadBalancerSpec encodes the spec of a load balancer.
func FromLoadBalancerSpec(s lb.LoadBalancerSpec) *LoadBalancerSpec {
	var n nulls
	x := &LoadBalancerSpec{
		Meta:             fromMetaSpec(&n, s.MetaSpec),
		VipSubnetId:      from(&n, "vip_subnet_id", s.VIPSubnetID, formatText),
		VipAddress:       from(&n, "vip_address", s.VIPAddress, formatAddrField),
		VipPortId:        from(&n, "vip_port_id", s.VIPPortID, formatText),
		VipNetworkId:     from(&n, "vip_network_id", s.VIPNetworkID, formatText),
		AdditionalVips:   from(&n, "additional_vips", s.AdditionalVIPs, formatAdditionalVIPSpecs),
		VipQosPolicyId:   from(&n, "vip_qos_policy_id", s.VIPQoSPolicyID, formatText),
		VipSgIds:         from(&n, "vip_sg_ids", s.VIPSecurityGroupIDs, formatIDs),
		Provider:         from(&n, "provider", s.Provider, formatText),
		FlavorId:         from(&n, "flavor_id", s.FlavorID, formatText),
		AvailabilityZone: from(&n, "availability_zone", s.AvailabilityZone, formatText),
		Pools:            formatAll(s.Pools, FromPoolSpec),
		Listeners:        formatAll(s.Listeners, FromListenerSpec),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a load balancer.
func (x *LoadBalancerSpec) ToLB() (lb.LoadBalancerSpec, error) {
	if x == nil {
		x = &LoadBalancerSpec{}
	}
	f := newFields(lb.KindLoadBalancer, x.NullFields)
	s := lb.LoadBalancerSpec{
		MetaSpec:            x.Meta.toLB(f),
		VIPSubnetID:         to(f, "vip_subnet_id", x.VipSubnetId, parseText[lb.SubnetID]),
		VIPAddress:          to(f, "vip_address", x.VipAddress, parseAddrField),
		VIPPortID:           to(f, "vip_port_id", x.VipPortId, parseText[lb.PortID]),
		VIPNetworkID:        to(f, "vip_network_id", x.VipNetworkId, parseText[lb.NetworkID]),
		AdditionalVIPs:      to(f, "additional_vips", x.AdditionalVips, parseAdditionalVIPSpecs),
		VIPQoSPolicyID:      to(f, "vip_qos_policy_id", x.VipQosPolicyId, parseText[lb.QoSPolicyID]),
		VIPSecurityGroupIDs: to(f, "vip_sg_ids", x.VipSgIds, parseIDs[lb.SecurityGroupID]),
		Provider:            to(f, "provider", x.Provider, parseText[string]),
		FlavorID:            to(f, "flavor_id", x.FlavorId, parseText[lb.FlavorID]),
		AvailabilityZone:    to(f, "availability_zone", x.AvailabilityZone, parseText[string]),
		Pools:               nested(f, x.Pools, (*PoolSpec).ToLB),
		Listeners:           nested(f, x.Listeners, (*ListenerSpec).ToLB),
	}
	return s, f.done()
}

// FromListenerSpec encodes the spec of a listener.
func FromListenerSpec(s lb.ListenerSpec) *ListenerSpec {
	var n nulls
	x := &ListenerSpec{
		Meta:                    fromMetaSpec(&n, s.MetaSpec),
		LoadbalancerId:          from(&n, "loadbalancer_id", s.LoadBalancerID, formatText),
		Protocol:                from(&n, "protocol", s.Protocol, formatText),
		ProtocolPort:            from(&n, "protocol_port", s.ProtocolPort, formatInt),
		ConnectionLimit:         from(&n, "connection_limit", s.ConnectionLimit, formatInt),
		DefaultPoolId:           from(&n, "default_pool_id", s.DefaultPoolID, formatText),
		InsertHeaders:           from(&n, "insert_headers", s.InsertHeaders, formatHeaders),
		AllowedCidrs:            from(&n, "allowed_cidrs", s.AllowedCIDRs, formatPrefixes),
		TimeoutClientData:       from(&n, "timeout_client_data", s.TimeoutClientData, durationpb.New),
		TimeoutMemberConnect:    from(&n, "timeout_member_connect", s.TimeoutMemberConnect, durationpb.New),
		TimeoutMemberData:       from(&n, "timeout_member_data", s.TimeoutMemberData, durationpb.New),
		TimeoutTcpInspect:       from(&n, "timeout_tcp_inspect", s.TimeoutTCPInspect, durationpb.New),
		DefaultTlsContainerRef:  from(&n, "default_tls_container_ref", s.TLSDefaultRef, formatText),
		SniContainerRefs:        from(&n, "sni_container_refs", s.SNIRefs, formatStrings),
		ClientCaTlsContainerRef: from(&n, "client_ca_tls_container_ref", s.ClientCARef, formatText),
		ClientCrlContainerRef:   from(&n, "client_crl_container_ref", s.ClientCRLRef, formatText),
		ClientAuthentication:    from(&n, "client_authentication", s.ClientAuth, formatText),
		TlsCiphers:              from(&n, "tls_ciphers", s.Ciphers, formatText),
		TlsVersions:             from(&n, "tls_versions", s.Versions, formatStrings),
		AlpnProtocols:           from(&n, "alpn_protocols", s.ALPN, formatStrings),
		HstsMaxAge:              from(&n, "hsts_max_age", s.HSTSMaxAge, formatInt),
		HstsIncludeSubdomains:   from(&n, "hsts_include_subdomains", s.HSTSIncludeSubdomains, formatBool),
		HstsPreload:             from(&n, "hsts_preload", s.HSTSPreload, formatBool),
		DefaultPoolName:         s.DefaultPoolName,
		L7Policies:              formatAll(s.L7Policies, FromL7PolicySpec),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a listener.
func (x *ListenerSpec) ToLB() (lb.ListenerSpec, error) {
	if x == nil {
		x = &ListenerSpec{}
	}
	f := newFields(lb.KindListener, x.NullFields)
	s := lb.ListenerSpec{
		MetaSpec:              x.Meta.toLB(f),
		LoadBalancerID:        to(f, "loadbalancer_id", x.LoadbalancerId, parseText[lb.LoadBalancerID]),
		Protocol:              to(f, "protocol", x.Protocol, parseText[lb.Protocol]),
		ProtocolPort:          to(f, "protocol_port", x.ProtocolPort, parseIntField),
		ConnectionLimit:       to(f, "connection_limit", x.ConnectionLimit, parseIntField),
		DefaultPoolID:         to(f, "default_pool_id", x.DefaultPoolId, parseText[lb.PoolID]),
		InsertHeaders:         to(f, "insert_headers", x.InsertHeaders, parseHeaders),
		AllowedCIDRs:          to(f, "allowed_cidrs", x.AllowedCidrs, parsePrefixes),
		TimeoutClientData:     to(f, "timeout_client_data", x.TimeoutClientData, parseDuration),
		TimeoutMemberConnect:  to(f, "timeout_member_connect", x.TimeoutMemberConnect, parseDuration),
		TimeoutMemberData:     to(f, "timeout_member_data", x.TimeoutMemberData, parseDuration),
		TimeoutTCPInspect:     to(f, "timeout_tcp_inspect", x.TimeoutTcpInspect, parseDuration),
		TLSDefaultRef:         to(f, "default_tls_container_ref", x.DefaultTlsContainerRef, parseText[string]),
		SNIRefs:               to(f, "sni_container_refs", x.SniContainerRefs, parseStrings),
		ClientCARef:           to(f, "client_ca_tls_container_ref", x.ClientCaTlsContainerRef, parseText[string]),
		ClientCRLRef:          to(f, "client_crl_container_ref", x.ClientCrlContainerRef, parseText[string]),
		ClientAuth:            to(f, "client_authentication", x.ClientAuthentication, parseText[lb.ClientAuth]),
		HSTSMaxAge:            to(f, "hsts_max_age", x.HstsMaxAge, parseIntField),
		HSTSIncludeSubdomains: to(f, "hsts_include_subdomains", x.HstsIncludeSubdomains, parseBool),
		HSTSPreload:           to(f, "hsts_preload", x.HstsPreload, parseBool),
		TLSParamsSpec:         toTLSParams(f, x.TlsCiphers, x.TlsVersions, x.AlpnProtocols),
		DefaultPoolName:       x.DefaultPoolName,
		L7Policies:            nested(f, x.L7Policies, (*L7PolicySpec).ToLB),
	}
	return s, f.done()
}

// FromPoolSpec encodes the spec of a pool.
func FromPoolSpec(s lb.PoolSpec) *PoolSpec {
	var n nulls
	x := &PoolSpec{
		Meta:               fromMetaSpec(&n, s.MetaSpec),
		LoadbalancerId:     from(&n, "loadbalancer_id", s.LoadBalancerID, formatText),
		ListenerId:         from(&n, "listener_id", s.ListenerID, formatText),
		Protocol:           from(&n, "protocol", s.Protocol, formatText),
		LbAlgorithm:        from(&n, "lb_algorithm", s.Algorithm, formatText),
		SessionPersistence: from(&n, "session_persistence", s.Persistence, formatPersistenceSpec),
		TlsEnabled:         from(&n, "tls_enabled", s.TLSEnabled, formatBool),
		TlsContainerRef:    from(&n, "tls_container_ref", s.TLSRef, formatText),
		CaTlsContainerRef:  from(&n, "ca_tls_container_ref", s.CARef, formatText),
		CrlContainerRef:    from(&n, "crl_container_ref", s.CRLRef, formatText),
		TlsCiphers:         from(&n, "tls_ciphers", s.Ciphers, formatText),
		TlsVersions:        from(&n, "tls_versions", s.Versions, formatStrings),
		AlpnProtocols:      from(&n, "alpn_protocols", s.ALPN, formatStrings),
		Members:            formatAll(s.Members, FromMemberSpec),
		Healthmonitor:      formatMonitorSpec(s.Monitor),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a pool.
func (x *PoolSpec) ToLB() (lb.PoolSpec, error) {
	if x == nil {
		x = &PoolSpec{}
	}
	f := newFields(lb.KindPool, x.NullFields)
	s := lb.PoolSpec{
		MetaSpec:       x.Meta.toLB(f),
		LoadBalancerID: to(f, "loadbalancer_id", x.LoadbalancerId, parseText[lb.LoadBalancerID]),
		ListenerID:     to(f, "listener_id", x.ListenerId, parseText[lb.ListenerID]),
		Protocol:       to(f, "protocol", x.Protocol, parseText[lb.Protocol]),
		Algorithm:      to(f, "lb_algorithm", x.LbAlgorithm, parseText[lb.Algorithm]),
		Persistence:    to(f, "session_persistence", x.SessionPersistence, parsePersistenceSpec),
		TLSEnabled:     to(f, "tls_enabled", x.TlsEnabled, parseBool),
		TLSRef:         to(f, "tls_container_ref", x.TlsContainerRef, parseText[string]),
		CARef:          to(f, "ca_tls_container_ref", x.CaTlsContainerRef, parseText[string]),
		CRLRef:         to(f, "crl_container_ref", x.CrlContainerRef, parseText[string]),
		TLSParamsSpec:  toTLSParams(f, x.TlsCiphers, x.TlsVersions, x.AlpnProtocols),
		Members:        nested(f, x.Members, (*MemberSpec).ToLB),
		Monitor:        parseMonitorSpec(f, x.Healthmonitor),
	}
	return s, f.done()
}

// FromMemberSpec encodes the spec of a member.
func FromMemberSpec(s lb.MemberSpec) *MemberSpec {
	var n nulls
	x := &MemberSpec{
		Meta:           fromMetaSpec(&n, s.MetaSpec),
		PoolId:         from(&n, "pool_id", s.PoolID, formatText),
		Address:        from(&n, "address", s.Address, formatAddrField),
		ProtocolPort:   from(&n, "protocol_port", s.ProtocolPort, formatInt),
		Weight:         from(&n, "weight", s.Weight, formatInt),
		Backup:         from(&n, "backup", s.Backup, formatBool),
		MonitorAddress: from(&n, "monitor_address", s.MonitorAddress, formatAddrField),
		MonitorPort:    from(&n, "monitor_port", s.MonitorPort, formatInt),
		SubnetId:       from(&n, "subnet_id", s.SubnetID, formatText),
		RequestSriov:   from(&n, "request_sriov", s.SRIOV, formatBool),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a member.
func (x *MemberSpec) ToLB() (lb.MemberSpec, error) {
	if x == nil {
		x = &MemberSpec{}
	}
	f := newFields(lb.KindMember, x.NullFields)
	s := lb.MemberSpec{
		MetaSpec:       x.Meta.toLB(f),
		PoolID:         to(f, "pool_id", x.PoolId, parseText[lb.PoolID]),
		Address:        to(f, "address", x.Address, parseAddrField),
		ProtocolPort:   to(f, "protocol_port", x.ProtocolPort, parseIntField),
		Weight:         to(f, "weight", x.Weight, parseIntField),
		Backup:         to(f, "backup", x.Backup, parseBool),
		MonitorAddress: to(f, "monitor_address", x.MonitorAddress, parseAddrField),
		MonitorPort:    to(f, "monitor_port", x.MonitorPort, parseIntField),
		SubnetID:       to(f, "subnet_id", x.SubnetId, parseText[lb.SubnetID]),
		SRIOV:          to(f, "request_sriov", x.RequestSriov, parseBool),
	}
	return s, f.done()
}

// FromHealthMonitorSpec encodes the spec of a health monitor.
func FromHealthMonitorSpec(s lb.HealthMonitorSpec) *HealthMonitorSpec {
	var n nulls
	x := &HealthMonitorSpec{
		Meta:           fromMetaSpec(&n, s.MetaSpec),
		PoolId:         from(&n, "pool_id", s.PoolID, formatText),
		Type:           from(&n, "type", s.Type, formatText),
		Delay:          from(&n, "delay", s.Delay, durationpb.New),
		Timeout:        from(&n, "timeout", s.Timeout, durationpb.New),
		MaxRetries:     from(&n, "max_retries", s.MaxRetries, formatInt),
		MaxRetriesDown: from(&n, "max_retries_down", s.MaxRetriesDown, formatInt),
		HttpMethod:     from(&n, "http_method", s.HTTPMethod, formatText),
		UrlPath:        from(&n, "url_path", s.URLPath, formatText),
		ExpectedCodes:  from(&n, "expected_codes", s.ExpectedCodes, formatText),
		HttpVersion:    from(&n, "http_version", s.HTTPVersion, formatText),
		DomainName:     from(&n, "domain_name", s.DomainName, formatText),
	}
	x.NullFields = n
	return x
}

// ToLB decodes the spec of a health monitor.
func (x *HealthMonitorSpec) ToLB() (lb.HealthMonitorSpec, error) {
	if x == nil {
		x = &HealthMonitorSpec{}
	}
	f := newFields(lb.KindHealthMonitor, x.NullFields)
	s := lb.HealthMonitorSpec{
		MetaSpec:       x.Meta.toLB(f),
		PoolID:         to(f, "pool_id", x.PoolId, parseText[lb.PoolID]),
		Type:           to(f, "type", x.Type, parseText[lb.MonitorType]),
		Delay:          to(f, "delay", x.Delay, parseDuration),
		Timeout:        to(f, "timeout", x.Timeout, parseDuration),
		MaxRetries:     to(f, "max_retries", x.MaxRetries, parseIntField),
		MaxRetriesDown: to(f, "max_retries_down", x.MaxRetriesDown, parseIntField),
		HTTPMethod:     to(f, "http_method", x.HttpMethod, parseText[string]),
		URLPath:        to(f, "url_path", x.UrlPath, parseText[string]),
		ExpectedCodes:  to(f, "expected_codes", x.ExpectedCodes, parseText[string]),
		HTTPVersion:    to(f, "http_version", x.HttpVersion, parseText[string]),
		DomainName:     to(f, "domain_name", x.DomainName, parseText[string]),
	}
	return s, f.done()
}
