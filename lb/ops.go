package lb

import "time"

// Batch does several operations in one step, in order: all or none. A batch in a batch
// is refused. Its Result is that of the last one.
type Batch struct{ Ops []Op }

// The operations. Updates change only the fields that are not absent. A create whose ID is empty makes the id of the
// stamp; a batch may name ids, so that later operations can refer to them. An If that
// is not 0 refuses an update or delete unless it is the revision of the resource.
type (
	CreateSubnet struct {
		ID   SubnetID
		Spec SubnetSpec
	}
	UpdateSubnet struct {
		ID   SubnetID
		If   uint64
		Spec SubnetSpec
	}
	DeleteSubnet struct {
		ID SubnetID
		If uint64
	}

	CreateLoadBalancer struct {
		ID   LoadBalancerID
		Spec LoadBalancerSpec
	}
	UpdateLoadBalancer struct {
		ID   LoadBalancerID
		If   uint64
		Spec LoadBalancerSpec
	}
	// DeleteLoadBalancer is refused while there are listeners or pools, unless
	// Cascade is set.
	DeleteLoadBalancer struct {
		ID      LoadBalancerID
		If      uint64
		Cascade bool
	}

	CreateListener struct {
		ID   ListenerID
		Spec ListenerSpec
	}
	UpdateListener struct {
		ID   ListenerID
		If   uint64
		Spec ListenerSpec
	}
	DeleteListener struct {
		ID ListenerID
		If uint64
	}

	CreatePool struct {
		ID   PoolID
		Spec PoolSpec
	}
	UpdatePool struct {
		ID   PoolID
		If   uint64
		Spec PoolSpec
	}
	// DeletePool deletes its members and monitor too, and detaches it from the
	// listeners whose default it is.
	DeletePool struct {
		ID PoolID
		If uint64
	}

	CreateMember struct {
		ID   MemberID
		Spec MemberSpec
	}
	UpdateMember struct {
		ID   MemberID
		If   uint64
		Spec MemberSpec
	}
	DeleteMember struct {
		ID MemberID
		If uint64
	}

	// SetMembers makes Members those of the pool: what is there by the same address and
	// port is updated, what is not is created, and what is not named is deleted
	// unless AdditiveOnly is set.
	SetMembers struct {
		PoolID       PoolID
		Members      []MemberSpec
		AdditiveOnly bool
	}

	CreateHealthMonitor struct {
		ID   HealthMonitorID
		Spec HealthMonitorSpec
	}
	UpdateHealthMonitor struct {
		ID   HealthMonitorID
		If   uint64
		Spec HealthMonitorSpec
	}
	DeleteHealthMonitor struct {
		ID HealthMonitorID
		If uint64
	}

	CreateL7Policy struct {
		ID   L7PolicyID
		Spec L7PolicySpec
	}
	UpdateL7Policy struct {
		ID   L7PolicyID
		If   uint64
		Spec L7PolicySpec
	}
	DeleteL7Policy struct {
		ID L7PolicyID
		If uint64
	}

	CreateL7Rule struct {
		ID   L7RuleID
		Spec L7RuleSpec
	}
	UpdateL7Rule struct {
		ID   L7RuleID
		If   uint64
		Spec L7RuleSpec
	}
	DeleteL7Rule struct {
		ID L7RuleID
		If uint64
	}

	CreateNetwork struct {
		ID   NetworkID
		Spec NetworkSpec
	}
	UpdateNetwork struct {
		ID   NetworkID
		If   uint64
		Spec NetworkSpec
	}
	DeleteNetwork struct {
		ID NetworkID
		If uint64
	}

	CreatePort struct {
		ID   PortID
		Spec PortSpec
	}
	UpdatePort struct {
		ID   PortID
		If   uint64
		Spec PortSpec
	}
	DeletePort struct {
		ID PortID
		If uint64
	}

	CreateSecurityGroup struct {
		ID   SecurityGroupID
		Spec SecurityGroupSpec
	}
	UpdateSecurityGroup struct {
		ID   SecurityGroupID
		If   uint64
		Spec SecurityGroupSpec
	}
	DeleteSecurityGroup struct {
		ID SecurityGroupID
		If uint64
	}

	CreateQoSPolicy struct {
		ID   QoSPolicyID
		Spec QoSPolicySpec
	}
	UpdateQoSPolicy struct {
		ID   QoSPolicyID
		If   uint64
		Spec QoSPolicySpec
	}
	DeleteQoSPolicy struct {
		ID QoSPolicyID
		If uint64
	}

	// SetQuota changes the limits of a project that are not absent.
	SetQuota struct {
		ProjectID string
		Spec      QuotaSpec
	}
	// ResetQuota sets every limit of a project back to the default. It is refused for a
	// project that never had any.
	ResetQuota struct{ ProjectID string }

	CreateFlavorProfile struct {
		ID   FlavorProfileID
		Spec FlavorProfileSpec
	}
	UpdateFlavorProfile struct {
		ID   FlavorProfileID
		If   uint64
		Spec FlavorProfileSpec
	}
	DeleteFlavorProfile struct {
		ID FlavorProfileID
		If uint64
	}

	CreateFlavor struct {
		ID   FlavorID
		Spec FlavorSpec
	}
	UpdateFlavor struct {
		ID   FlavorID
		If   uint64
		Spec FlavorSpec
	}
	DeleteFlavor struct {
		ID FlavorID
		If uint64
	}

	CreateAvailabilityZoneProfile struct {
		ID   AvailabilityZoneProfileID
		Spec AvailabilityZoneProfileSpec
	}
	UpdateAvailabilityZoneProfile struct {
		ID   AvailabilityZoneProfileID
		If   uint64
		Spec AvailabilityZoneProfileSpec
	}
	DeleteAvailabilityZoneProfile struct {
		ID AvailabilityZoneProfileID
		If uint64
	}

	CreateAvailabilityZone struct{ Spec AvailabilityZoneSpec }
	UpdateAvailabilityZone struct {
		Name string
		Spec AvailabilityZoneSpec
	}
	DeleteAvailabilityZone struct{ Name string }

	CreateProject struct {
		ID   string
		Spec ProjectSpec
	}
	UpdateProject struct {
		ID   string
		If   uint64
		Spec ProjectSpec
	}
	DeleteProject struct {
		ID string
		If uint64
	}

	CreateUser struct {
		ID   string
		Spec UserSpec
	}
	UpdateUser struct {
		ID   string
		If   uint64
		Spec UserSpec
	}
	DeleteUser struct {
		ID string
		If uint64
	}

	CreateRole struct {
		ID   string
		Spec RoleSpec
	}
	DeleteRole struct {
		ID string
		If uint64
	}

	// Assign gives a user a role, Unassign takes it.
	Assign   struct{ Assignment Assignment }
	Unassign struct{ Assignment Assignment }
	// Revoke voids a token. What has expired by the command's time is dropped.
	Revoke struct {
		TokenID string
		Expires time.Time
	}

	CreateSecret struct {
		ID   SecretID
		Spec SecretSpec
	}
	UpdateSecret struct {
		ID   SecretID
		If   uint64
		Spec SecretSpec
	}
	DeleteSecret struct {
		ID SecretID
		If uint64
	}

	CreateSecretContainer struct {
		ID   SecretContainerID
		Spec SecretContainerSpec
	}
	DeleteSecretContainer struct {
		ID SecretContainerID
		If uint64
	}
)
