package certs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/amphora-lb/amphora/lb"
)

// Octavia's texts, from octavia/common/exceptions.py and api/v2/controllers/base.py.
const (
	msgUnreadablePKCS12 = "The PKCS12 bundle is unreadable. Please check the PKCS12 bundle validity. In addition, make sure it does not require a pass phrase. Error: %v"
	msgUnreadableCert   = "Could not read X509 from PEM"
	msgNeedsPassphrase  = "Passphrase needed to decrypt key but client did not provide one."
	msgMismatchedKey    = "Key and x509 certificate do not match"
	msgNoNames          = "No CN or DNSName(s) found in certificate. The certificate is invalid."
	msgInvalidCA        = "The client authentication CA certificate is invalid. It must be a valid x509 PEM format certificate. Error: %v"
	msgInvalidCRL       = "The client authentication certificate revocation list is invalid. It must be a valid x509 PEM format certificate revocation list. Error: %v"
	msgForeignCRL       = "The client authentication certificate revocation list is not signed by the client authentication CA certificate."
)

func invalid(format string, args ...any) error {
	return &lb.Error{Kind: lb.ErrInvalid, Msg: fmt.Sprintf(format, args...)}
}

// NotRetrievedError says that references lead to nothing that could be read. To a client it
// is the lb.Error that it unwraps to; errors.Is finds the causes too.
type NotRetrievedError struct {
	Refs   []string
	Causes error // for the log, not for the client
}

// Error has the causes, for the log.
func (e *NotRetrievedError) Error() string {
	return fmt.Sprintf("%v (%v)", e.Unwrap(), strings.ReplaceAll(e.Causes.Error(), "\n", "; "))
}

// Unwrap gives what the client is told.
func (e *NotRetrievedError) Unwrap() error {
	quoted := make([]string, len(e.Refs))
	for i, ref := range e.Refs {
		quoted[i] = "'" + ref + "'"
	}
	return invalid("Could not retrieve certificate: [%s]", strings.Join(quoted, ", "))
}

// Is reports whether a cause is target.
func (e *NotRetrievedError) Is(target error) bool { return errors.Is(e.Causes, target) }

func notRetrieved(refs []string, causes ...error) error {
	return &NotRetrievedError{Refs: refs, Causes: errors.Join(causes...)}
}
