package neutron

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// ifMatch reads the revision that a request insists on, 0 if it insists on none.
func ifMatch(r *http.Request) (uint64, error) {
	h := r.Header.Get("If-Match")
	if h == "" {
		return 0, nil
	}
	number, ok := strings.CutPrefix(h, "revision_number=")
	n, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || n == 0 {
		return 0, badRequest("Invalid input for If-Match. Reason: '%s' is not of the form revision_number=N.", h)
	}
	return n, nil
}

func stale(revision uint64) fault {
	return fault{http.StatusPreconditionFailed, "RevisionNumberConstraintFailed", fmt.Sprintf("Constrained to %d, but current revision differs", revision)}
}
