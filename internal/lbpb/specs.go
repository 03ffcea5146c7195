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

// FromSubnetSpec encodes the spec of a subnet.
func FromSubnetSpec(s lb.SubnetSpec) *SubnetSpec {
	var n nulls
	x := &SubnetSpec{
		Meta:            fromMetaSpec(&n, s.MetaSpec),
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
		Meta:        fromMetaSpec(&n, s.MetaSpec),
		VipSubnetId: from(&n, "vip_subnet_id", s.VIPSubnetID, formatText),
		VipAddress:  from(&n, "vip_address", s.VIPAddress, formatAddrField),
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
		MetaSpec:    x.Meta.toLB(f),
		VIPSubnetID: to(f, "vip_subnet_id", x.VipSubnetId, parseText[lb.SubnetID]),
		VIPAddress:  to(f, "vip_address", x.VipAddress, parseAddrField),
	}
	return s, f.done()
}

// FromListenerSpec encodes the spec of a listener.
func FromListenerSpec(s lb.ListenerSpec) *ListenerSpec {
	var n nulls
	x := &ListenerSpec{
		Meta:                 fromMetaSpec(&n, s.MetaSpec),
		LoadbalancerId:       from(&n, "loadbalancer_id", s.LoadBalancerID, formatText),
		Protocol:             from(&n, "protocol", s.Protocol, formatText),
		ProtocolPort:         from(&n, "protocol_port", s.ProtocolPort, formatInt),
		ConnectionLimit:      from(&n, "connection_limit", s.ConnectionLimit, formatInt),
		DefaultPoolId:        from(&n, "default_pool_id", s.DefaultPoolID, formatText),
		InsertHeaders:        from(&n, "insert_headers", s.InsertHeaders, formatHeaders),
		AllowedCidrs:         from(&n, "allowed_cidrs", s.AllowedCIDRs, formatPrefixes),
		TimeoutClientData:    from(&n, "timeout_client_data", s.TimeoutClientData, durationpb.New),
		TimeoutMemberConnect: from(&n, "timeout_member_connect", s.TimeoutMemberConnect, durationpb.New),
		TimeoutMemberData:    from(&n, "timeout_member_data", s.TimeoutMemberData, durationpb.New),
		TimeoutTcpInspect:    from(&n, "timeout_tcp_inspect", s.TimeoutTCPInspect, durationpb.New),
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
		MetaSpec:             x.Meta.toLB(f),
		LoadBalancerID:       to(f, "loadbalancer_id", x.LoadbalancerId, parseText[lb.LoadBalancerID]),
		Protocol:             to(f, "protocol", x.Protocol, parseText[lb.Protocol]),
		ProtocolPort:         to(f, "protocol_port", x.ProtocolPort, parseIntField),
		ConnectionLimit:      to(f, "connection_limit", x.ConnectionLimit, parseIntField),
		DefaultPoolID:        to(f, "default_pool_id", x.DefaultPoolId, parseText[lb.PoolID]),
		InsertHeaders:        to(f, "insert_headers", x.InsertHeaders, parseHeaders),
		AllowedCIDRs:         to(f, "allowed_cidrs", x.AllowedCidrs, parsePrefixes),
		TimeoutClientData:    to(f, "timeout_client_data", x.TimeoutClientData, parseDuration),
		TimeoutMemberConnect: to(f, "timeout_member_connect", x.TimeoutMemberConnect, parseDuration),
		TimeoutMemberData:    to(f, "timeout_member_data", x.TimeoutMemberData, parseDuration),
		TimeoutTCPInspect:    to(f, "timeout_tcp_inspect", x.TimeoutTcpInspect, parseDuration),
	}
	return s, f.done()
}

// FromPoolSpec encodes the spec of a pool.
func FromPoolSpec(s lb.PoolSpec) *PoolSpec {
	var n nulls
	x := &PoolSpec{
		Meta:           fromMetaSpec(&n, s.MetaSpec),
		LoadbalancerId: from(&n, "loadbalancer_id", s.LoadBalancerID, formatText),
		ListenerId:     from(&n, "listener_id", s.ListenerID, formatText),
		Protocol:       from(&n, "protocol", s.Protocol, formatText),
		LbAlgorithm:    from(&n, "lb_algorithm", s.Algorithm, formatText),
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
