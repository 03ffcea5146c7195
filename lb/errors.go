package lb

import "errors"

// The kinds of error. Each edge has one table from kind to status code.
var (
	ErrNotFound     = errors.New("not found")
	ErrInvalid      = errors.New("invalid")             // the request can never succeed as it is
	ErrConflict     = errors.New("conflict")            // something else has that name, port or address
	ErrInUse        = errors.New("in use")              // something refers to it
	ErrImmutable    = errors.New("immutable")           // it cannot be changed now
	ErrQuota        = errors.New("quota met")           // the project may not have more
	ErrPrecondition = errors.New("precondition failed") // it is not as the client read it
	ErrUnsupported  = errors.New("unsupported")         // the provider is unknown, or does not do that
	ErrUnavailable  = errors.New("unavailable")         // the node cannot do it now; trying again may help
)

// Error is every error that this package returns.
type Error struct {
	Kind     error  // one of the kinds above
	Resource Kind   // "" when no resource is at fault
	ID       string // id or name of the resource, when known
	Field    string // API name of the field at fault, "" when none is
	Msg      string // what is wrong and what is allowed
}

// Error reads "member 5f1c...: weight: 300 is out of range, use 0 to 256".
func (e *Error) Error() string {
	s := string(e.Resource)
	if e.ID != "" {
		s += " " + e.ID
	}
	for _, part := range []string{e.Field, e.Msg} {
		if part == "" {
			continue
		}
		if s != "" {
			s += ": "
		}
		s += part
	}
	return s
}

// Unwrap makes errors.Is(err, ErrNotFound) and its like work.
func (e *Error) Unwrap() error { return e.Kind }
