package health

// Status is the verdict on a member.
type Status uint8

// The verdicts.
const (
	Unknown   Status = iota // not checked yet, or not a target: usable
	Healthy                 // usable
	Unhealthy               // not usable
)

// Usable reports whether the member may get traffic.
func (s Status) Usable() bool { return s != Unhealthy }

// String returns the status in lower case.
func (s Status) String() string {
	switch s {
	case Healthy:
		return "healthy"
	case Unhealthy:
		return "unhealthy"
	default:
		return "unknown"
	}
}

// verdict is a Status and how close it is to changing.
type verdict struct {
	status  Status
	against int // results in a row that contradict status
}

// next is the verdict after a check that succeeded or failed. rise successes in
// a row make a member healthy, fall failures in a row unhealthy. The first
// check decides alone, either way: a member that has never answered should not
// get traffic for fall checks more, nor one that answers wait for rise.
func (v verdict) next(ok bool, rise, fall int) verdict {
	says, need := Unhealthy, fall
	if ok {
		says, need = Healthy, rise
	}
	switch {
	case v.status == says:
		return verdict{status: says}
	case v.status == Unknown || v.against+1 >= need:
		return verdict{status: says}
	default:
		return verdict{status: v.status, against: v.against + 1}
	}
}
