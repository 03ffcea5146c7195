package lb

// ProvisioningStatus says whether the holder serves a resource as configured.
type ProvisioningStatus string

// The provisioning statuses. They are derived, never stored.
const (
	Active        ProvisioningStatus = "ACTIVE"
	PendingCreate ProvisioningStatus = "PENDING_CREATE" // created, not yet applied by the holder's engine
	PendingUpdate ProvisioningStatus = "PENDING_UPDATE" // changed, not yet applied by the holder's engine
	Errored       ProvisioningStatus = "ERROR"          // see the reason
)

// OperatingStatus says how a resource is doing.
type OperatingStatus string

// The operating statuses. They are derived, never stored.
const (
	Online    OperatingStatus = "ONLINE"
	Draining  OperatingStatus = "DRAINING"
	Offline   OperatingStatus = "OFFLINE"
	Degraded  OperatingStatus = "DEGRADED"
	Failed    OperatingStatus = "ERROR"
	NoMonitor OperatingStatus = "NO_MONITOR"
)

// View is what a node's engine knows and a Config does not: how far it has
// come, what it could not do, and how the members are. It is a snapshot.
type View struct {
	Revision uint64                       // of the newest Config applied; 0: none
	Errors   map[string]string            // resource id to the reason why it is not served
	Members  map[MemberID]OperatingStatus // Online or Failed, of members that have been checked
	Reasons  map[MemberID]string          // why the last check of a Failed member failed
	Full     map[ListenerID]bool          // listeners with as many connections as they may have
	Warnings map[string]string            // resource id to what is not well, though it is served
}

// Status is one resource's derived status.
type Status struct {
	Provisioning ProvisioningStatus
	Operating    OperatingStatus
	Reason       string // why it is ERROR or DEGRADED, or what else is not well; for people
}
