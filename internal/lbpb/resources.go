package lbpb

import (
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/amphora-lb/amphora/lb"
)

func fromMeta(m lb.Meta) *Meta {
	return &Meta{
		ProjectId:    m.ProjectID,
		Name:         m.Name,
		Description:  m.Description,
		AdminStateUp: m.AdminStateUp,
		Tags:         slices.Clone(m.Tags),
		CreatedAt:    formatTime(m.CreatedAt),
		UpdatedAt:    formatTime(m.UpdatedAt),
		Revision:     m.Revision,
		Serial:       m.Serial,
	}
}

func (m *Meta) toLB(f *faults) lb.Meta {
	return lb.Meta{
		ProjectID:    m.GetProjectId(),
		Name:         m.GetName(),
		Description:  m.GetDescription(),
		AdminStateUp: m.GetAdminStateUp(),
		Tags:         slices.Clone(m.GetTags()),
		CreatedAt:    parsed(f, "created_at", m.GetCreatedAt(), parseTime),
		UpdatedAt:    parsed(f, "updated_at", m.GetUpdatedAt(), parseTime),
		Revision:     m.GetRevision(),
		Serial:       m.GetSerial(),
	}
}

// FromSubnet encodes a subnet.
func FromSubnet(s *lb.Subnet) *Subnet {
	return &Subnet{
		Id:              string(s.ID),
		Meta:            fromMeta(s.Meta),
		NetworkId:       string(s.NetworkID),
		Cidr:            formatPrefix(s.CIDR),
		GatewayIp:       formatAddr(s.Gateway),
		AllocationPools: formatAll(s.Allocations, formatRange),
	}
}

// ToLB decodes a subnet.
func (x *Subnet) ToLB() (*lb.Subnet, error) {
	f := &faults{kind: lb.KindSubnet, id: x.GetId()}
	s := &lb.Subnet{
		ID:          lb.SubnetID(x.GetId()),
		Meta:        x.GetMeta().toLB(f),
		NetworkID:   lb.NetworkID(x.GetNetworkId()),
		CIDR:        parsed(f, "cidr", x.GetCidr(), parsePrefix),
		Gateway:     parsed(f, "gateway_ip", x.GetGatewayIp(), parseAddr),
		Allocations: parsedList(f, "allocation_pools", x.GetAllocationPools(), parseRange),
	}
	return checked(f, s)
}

// FromLoadBalancer encodes a load balancer.
func FromLoadBalancer(l *lb.LoadBalancer) *LoadBalancer {
	return &LoadBalancer{
		Id:               string(l.ID),
		Meta:             fromMeta(l.Meta),
		VipSubnetId:      string(l.VIPSubnetID),
		VipAddress:       formatAddr(l.VIPAddress),
		VipNetworkId:     string(l.VIPNetworkID),
		VipPortId:        string(l.VIPPortID),
		VipQosPolicyId:   string(l.VIPQoSPolicyID),
		VipSgIds:         formatTexts(l.VIPSecurityGroupIDs),
		AdditionalVips:   formatAll(l.AdditionalVIPs, formatAdditionalVIP),
		Provider:         l.Provider,
		FlavorId:         string(l.FlavorID),
		AvailabilityZone: l.AvailabilityZone,
	}
}

// ToLB decodes a load balancer.
func (x *LoadBalancer) ToLB() (*lb.LoadBalancer, error) {
	f := &faults{kind: lb.KindLoadBalancer, id: x.GetId()}
	l := &lb.LoadBalancer{
		ID:                  lb.LoadBalancerID(x.GetId()),
		Meta:                x.GetMeta().toLB(f),
		VIPSubnetID:         lb.SubnetID(x.GetVipSubnetId()),
		VIPAddress:          parsed(f, "vip_address", x.GetVipAddress(), parseAddr),
		VIPNetworkID:        lb.NetworkID(x.GetVipNetworkId()),
		VIPPortID:           lb.PortID(x.GetVipPortId()),
		VIPQoSPolicyID:      lb.QoSPolicyID(x.GetVipQosPolicyId()),
		VIPSecurityGroupIDs: parseTexts[lb.SecurityGroupID](x.GetVipSgIds()),
		AdditionalVIPs:      parsedList(f, "additional_vips", x.GetAdditionalVips(), parseAdditionalVIP),
		Provider:            x.GetProvider(),
		FlavorID:            lb.FlavorID(x.GetFlavorId()),
		AvailabilityZone:    x.GetAvailabilityZone(),
	}
	return checked(f, l)
}

// FromListener encodes a listener without its L7 policies, which are messages of their
// own.
func FromListener(l *lb.Listener) *Listener {
	return &Listener{
		Id:                      string(l.ID),
		Meta:                    fromMeta(l.Meta),
		LoadbalancerId:          string(l.LoadBalancerID),
		Protocol:                string(l.Protocol),
		ProtocolPort:            uint32(l.ProtocolPort),
		ConnectionLimit:         int64(l.ConnectionLimit),
		DefaultPoolId:           string(l.DefaultPoolID),
		InsertHeaders:           formatInsertHeaders(l.InsertHeaders),
		AllowedCidrs:            formatAll(l.AllowedCIDRs, formatPrefix),
		TimeoutClientData:       durationpb.New(l.TimeoutClientData),
		TimeoutMemberConnect:    durationpb.New(l.TimeoutMemberConnect),
		TimeoutMemberData:       durationpb.New(l.TimeoutMemberData),
		TimeoutTcpInspect:       durationpb.New(l.TimeoutTCPInspect),
		DefaultTlsContainerRef:  l.TLS.DefaultRef,
		SniContainerRefs:        slices.Clone(l.TLS.SNIRefs),
		ClientCaTlsContainerRef: l.TLS.ClientCARef,
		ClientCrlContainerRef:   l.TLS.ClientCRLRef,
		ClientAuthentication:    formatClientAuth(l.TLS.ClientAuth),
		TlsCiphers:              l.TLS.Ciphers,
		TlsVersions:             slices.Clone(l.TLS.Versions),
		AlpnProtocols:           slices.Clone(l.TLS.ALPN),
		HstsMaxAge:              formatLimit(l.HSTS.MaxAge),
		HstsIncludeSubdomains:   l.HSTS.IncludeSubdomains,
		HstsPreload:             l.HSTS.Preload,
	}
}

// ToLB decodes a listener; it comes without L7 policies.
func (x *Listener) ToLB() (*lb.Listener, error) {
	f := &faults{kind: lb.KindListener, id: x.GetId()}
	l := &lb.Listener{
		ID:                   lb.ListenerID(x.GetId()),
		Meta:                 x.GetMeta().toLB(f),
		LoadBalancerID:       lb.LoadBalancerID(x.GetLoadbalancerId()),
		Protocol:             lb.Protocol(x.GetProtocol()),
		ProtocolPort:         parsed(f, "protocol_port", x.GetProtocolPort(), parsePort),
		ConnectionLimit:      parsed(f, "connection_limit", x.GetConnectionLimit(), parseInt),
		DefaultPoolID:        lb.PoolID(x.GetDefaultPoolId()),
		InsertHeaders:        parseInsertHeaders(x.GetInsertHeaders()),
		AllowedCIDRs:         parsedList(f, "allowed_cidrs", x.GetAllowedCidrs(), parsePrefix),
		TimeoutClientData:    parsed(f, "timeout_client_data", x.GetTimeoutClientData(), parseDuration),
		TimeoutMemberConnect: parsed(f, "timeout_member_connect", x.GetTimeoutMemberConnect(), parseDuration),
		TimeoutMemberData:    parsed(f, "timeout_member_data", x.GetTimeoutMemberData(), parseDuration),
		TimeoutTCPInspect:    parsed(f, "timeout_tcp_inspect", x.GetTimeoutTcpInspect(), parseDuration),
		TLS: lb.ListenerTLS{
			DefaultRef:   x.GetDefaultTlsContainerRef(),
			SNIRefs:      slices.Clone(x.GetSniContainerRefs()),
			ClientCARef:  x.GetClientCaTlsContainerRef(),
			ClientCRLRef: x.GetClientCrlContainerRef(),
			ClientAuth:   parseClientAuth(x.GetClientAuthentication()),
			TLSParams:    parseTLSParams(x),
		},
		HSTS: lb.HSTS{
			MaxAge:            parseLimit(f, "hsts_max_age", x.HstsMaxAge),
			IncludeSubdomains: x.GetHstsIncludeSubdomains(),
			Preload:           x.GetHstsPreload(),
		},
	}
	return checked(f, l)
}

// FromPool encodes a pool without its members and monitor, which are messages
// of their own.
func FromPool(p *lb.Pool) *Pool {
	return &Pool{
		Id:                 string(p.ID),
		Meta:               fromMeta(p.Meta),
		LoadbalancerId:     string(p.LoadBalancerID),
		Protocol:           string(p.Protocol),
		LbAlgorithm:        string(p.Algorithm),
		SessionPersistence: formatPersistence(p.Persistence),
		TlsEnabled:         p.TLS.Enabled,
		TlsContainerRef:    p.TLS.Ref,
		CaTlsContainerRef:  p.TLS.CARef,
		CrlContainerRef:    p.TLS.CRLRef,
		TlsCiphers:         p.TLS.Ciphers,
		TlsVersions:        slices.Clone(p.TLS.Versions),
		AlpnProtocols:      slices.Clone(p.TLS.ALPN),
	}
}

// ToLB decodes a pool; it comes without members and monitor.
func (x *Pool) ToLB() (*lb.Pool, error) {
	f := &faults{kind: lb.KindPool, id: x.GetId()}
	p := &lb.Pool{
		ID:             lb.PoolID(x.GetId()),
		Meta:           x.GetMeta().toLB(f),
		LoadBalancerID: lb.LoadBalancerID(x.GetLoadbalancerId()),
		Protocol:       lb.Protocol(x.GetProtocol()),
		Algorithm:      lb.Algorithm(x.GetLbAlgorithm()),
		Persistence:    parsePersistence(f, x.GetSessionPersistence()),
		TLS: lb.PoolTLS{
			Enabled:   x.GetTlsEnabled(),
			Ref:       x.GetTlsContainerRef(),
			CARef:     x.GetCaTlsContainerRef(),
			CRLRef:    x.GetCrlContainerRef(),
			TLSParams: parseTLSParams(x),
		},
	}
	return checked(f, p)
}

// FromMember encodes a member.
func FromMember(m *lb.Member) *Member {
	return &Member{
		Id:             string(m.ID),
		Meta:           fromMeta(m.Meta),
		PoolId:         string(m.PoolID),
		Address:        formatAddr(m.Address),
		ProtocolPort:   uint32(m.ProtocolPort),
		Weight:         int64(m.Weight),
		Backup:         m.Backup,
		MonitorAddress: formatAddr(m.MonitorAddress),
		MonitorPort:    uint32(m.MonitorPort),
		SubnetId:       string(m.SubnetID),
		RequestSriov:   m.SRIOV,
	}
}

// ToLB decodes a member.
func (x *Member) ToLB() (*lb.Member, error) {
	f := &faults{kind: lb.KindMember, id: x.GetId()}
	m := &lb.Member{
		ID:             lb.MemberID(x.GetId()),
		Meta:           x.GetMeta().toLB(f),
		PoolID:         lb.PoolID(x.GetPoolId()),
		Address:        parsed(f, "address", x.GetAddress(), parseAddr),
		ProtocolPort:   parsed(f, "protocol_port", x.GetProtocolPort(), parsePort),
		Weight:         parsed(f, "weight", x.GetWeight(), parseInt),
		Backup:         x.GetBackup(),
		MonitorAddress: parsed(f, "monitor_address", x.GetMonitorAddress(), parseAddr),
		MonitorPort:    parsed(f, "monitor_port", x.GetMonitorPort(), parsePort),
		SubnetID:       lb.SubnetID(x.GetSubnetId()),
		SRIOV:          x.GetRequestSriov(),
	}
	return checked(f, m)
}

// FromHealthMonitor encodes a health monitor.
func FromHealthMonitor(m *lb.HealthMonitor) *HealthMonitor {
	return &HealthMonitor{
		Id:             string(m.ID),
		Meta:           fromMeta(m.Meta),
		PoolId:         string(m.PoolID),
		Type:           string(m.Type),
		Delay:          durationpb.New(m.Delay),
		Timeout:        durationpb.New(m.Timeout),
		MaxRetries:     int64(m.MaxRetries),
		MaxRetriesDown: int64(m.MaxRetriesDown),
		HttpMethod:     m.HTTPMethod,
		UrlPath:        m.URLPath,
		ExpectedCodes:  m.ExpectedCodes,
		HttpVersion:    m.HTTPVersion,
		DomainName:     m.DomainName,
	}
}

// ToLB decodes a health monitor.
func (x *HealthMonitor) ToLB() (*lb.HealthMonitor, error) {
	f := &faults{kind: lb.KindHealthMonitor, id: x.GetId()}
	m := &lb.HealthMonitor{
		ID:             lb.HealthMonitorID(x.GetId()),
		Meta:           x.GetMeta().toLB(f),
		PoolID:         lb.PoolID(x.GetPoolId()),
		Type:           lb.MonitorType(x.GetType()),
		Delay:          parsed(f, "delay", x.GetDelay(), parseDuration),
		Timeout:        parsed(f, "timeout", x.GetTimeout(), parseDuration),
		MaxRetries:     parsed(f, "max_retries", x.GetMaxRetries(), parseInt),
		MaxRetriesDown: parsed(f, "max_retries_down", x.GetMaxRetriesDown(), parseInt),
		HTTPMethod:     x.GetHttpMethod(),
		URLPath:        x.GetUrlPath(),
		ExpectedCodes:  x.GetExpectedCodes(),
		HTTPVersion:    x.GetHttpVersion(),
		DomainName:     x.GetDomainName(),
	}
	return checked(f, m)
}

// Client authentication of NONE is not written: listeners stored before there was such a
// thing are like those stored now.

func formatClientAuth(a lb.ClientAuth) string {
	if a == lb.ClientAuthNone {
		return ""
	}
	return string(a)
}

func parseClientAuth(v string) lb.ClientAuth {
	if v == "" {
		return lb.ClientAuthNone
	}
	return lb.ClientAuth(v)
}
