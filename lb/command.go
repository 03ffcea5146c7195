package lb

import "time"

// Command asks for one change.
type Command struct {
	Stamp
	// Revision is the raft index of the entry that carries the command. The
	// state machine fills it in when it applies the entry.
	Revision uint64
	Op       Op
}

// Stamp is filled in by the node that proposes the command, because Apply must
// not read a clock or draw a random number.
type Stamp struct {
	At time.Time // UTC, second precision
	ID string    // a fresh UUID: the id of the resource that the command creates
}

// Op is what a command does: one of the Create, Update and Delete types below.
//
// Each type's apply method checks the operation against e, which is as the
// command found it, and carries it out there; it changes e only when it has
// found nothing wrong.
type Op interface {
	apply(e *edit) (Result, error)
}

// The operations. Updates change only the fields that are not absent.
type (
	CreateSubnet struct{ Spec SubnetSpec }
	UpdateSubnet struct {
		ID   SubnetID
		Spec SubnetSpec
	}
	DeleteSubnet struct{ ID SubnetID }

	CreateLoadBalancer struct{ Spec LoadBalancerSpec }
	UpdateLoadBalancer struct {
		ID   LoadBalancerID
		Spec LoadBalancerSpec
	}
	// DeleteLoadBalancer is refused while there are listeners or pools, unless
	// Cascade is set.
	DeleteLoadBalancer struct {
		ID      LoadBalancerID
		Cascade bool
	}

	CreateListener struct{ Spec ListenerSpec }
	UpdateListener struct {
		ID   ListenerID
		Spec ListenerSpec
	}
	DeleteListener struct{ ID ListenerID }

	CreatePool struct{ Spec PoolSpec }
	UpdatePool struct {
		ID   PoolID
		Spec PoolSpec
	}
	// DeletePool deletes its members and monitor too, and detaches it from the
	// listeners whose default it is.
	DeletePool struct{ ID PoolID }

	CreateMember struct{ Spec MemberSpec }
	UpdateMember struct {
		ID   MemberID
		Spec MemberSpec
	}
	DeleteMember struct{ ID MemberID }

	CreateHealthMonitor struct{ Spec HealthMonitorSpec }
	UpdateHealthMonitor struct {
		ID   HealthMonitorID
		Spec HealthMonitorSpec
	}
	DeleteHealthMonitor struct{ ID HealthMonitorID }
)

// Result names the resource that a command created, updated or deleted.
type Result struct {
	Kind Kind
	ID   string
}

// Change is one resource that a command wrote or deleted. Object is a
// *Subnet, *LoadBalancer, *Listener, *Pool, *Member or *HealthMonitor, nil when
// it was deleted. A *Pool in a Change is stored without Members and Monitor:
// they are resources of their own, with changes of their own.
type Change struct {
	Kind   Kind
	ID     string
	Object any
}
