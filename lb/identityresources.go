package lb

import "time"

// DefaultDomain is the id of the one domain that there is; its name is "Default".
const DefaultDomain = "default"

// Project owns resources. Ids are 32 hexadecimal digits, as Keystone's.
type Project struct {
	ID          string
	Name        string // unique
	Description string
	Enabled     bool
	Tags        []string
	Revision    uint64
}

// User may log in. Ids are 32 hexadecimal digits, as Keystone's.
type User struct {
	ID               string
	Name             string // unique
	Description      string
	Email            string
	Enabled          bool
	DefaultProjectID string
	PasswordHash     string // bcrypt's text; "": cannot log in with a password
	// PasswordAt is when the password was set: tokens from before are void.
	PasswordAt time.Time
	Revision   uint64
}

// Role is a word that policies know, or that a client has made.
type Role struct {
	ID       string
	Name     string // unique
	Revision uint64
}

// Assignment gives a user a role in a project, or in the whole system if ProjectID is "".
type Assignment struct {
	UserID    string
	ProjectID string
	RoleID    string
	Revision  uint64
}

// Revocation voids one token before its time. It is dropped when that has come.
type Revocation struct {
	TokenID  string // of the token, not the token
	Expires  time.Time
	Revision uint64
}

// Secret is a certificate, a key or something else, sealed with a key that no log has.
type Secret struct {
	ID SecretID
	Meta
	Type        string // Barbican's secret_type: certificate, private, public, passphrase, opaque, symmetric
	ContentType string // of the payload
	Algorithm   string
	Mode        string
	BitLength   int
	Expires     time.Time // zero: never
	Sealed      []byte    // empty: there is no payload yet
}

// SecretContainer groups secrets, such as a certificate with its key.
type SecretContainer struct {
	ID SecretContainerID
	Meta
	Type    string            // Barbican's: certificate, rsa or generic
	Secrets []ContainedSecret // in the order given
}

// ContainedSecret is one secret of a container by the name that it has there.
type ContainedSecret struct {
	Name     string // of a certificate: certificate, private_key, private_key_passphrase, intermediates
	SecretID SecretID
}
