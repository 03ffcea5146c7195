package lb

import "time"

// The specs of who may do what, and of secrets. Passwords are hashed, and payloads
// sealed, by the node that proposes: neither is ever in a log.
type (
	// ProjectSpec describes a project.
	ProjectSpec struct {
		Name        Opt[string] // required
		Description Opt[string]
		Enabled     Opt[bool]
		Tags        Opt[[]string]
	}

	// UserSpec describes a user.
	UserSpec struct {
		Name             Opt[string] // required
		Description      Opt[string]
		Email            Opt[string]
		Enabled          Opt[bool]
		DefaultProjectID Opt[string]
		PasswordHash     Opt[string]
	}

	// RoleSpec describes a role.
	RoleSpec struct {
		Name Opt[string] // required
	}

	// SecretSpec describes a secret. All but Sealed, ContentType and Tags are create only;
	// these may be given once later, for a secret that has no payload yet.
	SecretSpec struct {
		MetaSpec
		Type        Opt[string]
		ContentType Opt[string]
		Algorithm   Opt[string]
		Mode        Opt[string]
		BitLength   Opt[int]
		Expires     Opt[time.Time]
		Sealed      Opt[[]byte]
	}

	// SecretContainerSpec describes a container of secrets. Nothing of it changes later.
	SecretContainerSpec struct {
		MetaSpec
		Type    Opt[string] // required
		Secrets Opt[[]ContainedSecret]
	}
)
