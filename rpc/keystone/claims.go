package keystone

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/amphora-lb/amphora/internal/seal"
	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/access"
)

// claims are what a token says. Roles are not among them: they are looked up at use.
type claims struct {
	ID              [16]byte
	Issued, Expires time.Time // second precision
	UserID          string
	ProjectID       string // "": none
	System          bool
	Methods         method
	// Password is a fingerprint of the hash of the user's password: another password
	// voids the token, whatever the clocks of the nodes say.
	Password [8]byte
}

// method is a set of ways in which a user proved who he is.
type method uint8

const (
	byPassword method = 1 << iota
	byToken
)

func (m method) names() []string {
	var names []string
	if m&byPassword != 0 {
		names = append(names, "password")
	}
	if m&byToken != 0 {
		names = append(names, "token")
	}
	return names
}

const (
	tokenVersion = 1
	claimsSize   = 1 + 16 + 8 + 8 + 1 + 16 + 16 + 8
	flagSystem   = 1 << 6
	flagProject  = 1 << 7
)

// maxToken bounds what is decoded at all. Fernet tokens of a real Keystone are longer
// than ours.
const maxToken = 4096

var tokenText = base64.RawURLEncoding.Strict()

// revocation is the id under which the token is revoked.
func (c claims) revocation() string { return hex.EncodeToString(c.ID[:]) }

// audit is the id by which clients know the token in reports.
func (c claims) audit() string { return tokenText.EncodeToString(c.ID[:]) }

func fingerprint(u *lb.User) (f [8]byte) {
	sum := sha256.Sum256([]byte("amphora password " + u.PasswordHash))
	copy(f[:], sum[:])
	return f
}

// newID draws the id of a token.
func newID() (id [16]byte) {
	rand.Read(id[:]) // never fails
	return id
}

// sign writes the token out.
func (c claims) sign(key *seal.Key) (string, error) {
	b := make([]byte, 0, claimsSize+seal.SignatureSize)
	b = append(b, tokenVersion)
	b = append(b, c.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Issued.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Expires.Unix()))
	flags := byte(c.Methods)
	if c.System {
		flags |= flagSystem
	}
	project := c.ProjectID
	if project != "" {
		flags |= flagProject
	} else {
		project = hex.EncodeToString(make([]byte, 16))
	}
	b = append(b, flags)
	for _, id := range []string{c.UserID, project} {
		raw, err := hex.DecodeString(id)
		if err != nil || len(raw) != 16 {
			return "", fmt.Errorf("sign a token: %q is not an id of 32 hexadecimal digits", id)
		}
		b = append(b, raw...)
	}
	b = append(b, c.Password[:]...)
	return tokenText.EncodeToString(key.Sign(b)), nil
}

// parseToken reads a token that this cluster signed.
func parseToken(key *seal.Key, text string) (claims, error) {
	if len(text) > maxToken {
		return claims{}, unauthenticated("the token has %d bytes", len(text))
	}
	signed, err := tokenText.DecodeString(text)
	if err != nil {
		return claims{}, unauthenticated("the token is none of ours")
	}
	b, err := key.Verify(signed)
	if err != nil {
		return claims{}, unauthenticated("the token: %v", err)
	}
	if len(b) != claimsSize || b[0] != tokenVersion {
		return claims{}, unauthenticated("the token is of another version")
	}
	var c claims
	take := func(n int) []byte { head := b[:n]; b = b[n:]; return head }
	take(1)
	copy(c.ID[:], take(16))
	c.Issued = time.Unix(int64(binary.BigEndian.Uint64(take(8))), 0).UTC()
	c.Expires = time.Unix(int64(binary.BigEndian.Uint64(take(8))), 0).UTC()
	flags := take(1)[0]
	c.System, c.Methods = flags&flagSystem != 0, method(flags)&(byPassword|byToken)
	c.UserID = hex.EncodeToString(take(16))
	if project := hex.EncodeToString(take(16)); flags&flagProject != 0 {
		c.ProjectID = project
	}
	copy(c.Password[:], take(8))
	return c, nil
}

// unauthenticated makes an [access.ErrUnauthenticated] with a reason for the log.
func unauthenticated(format string, args ...any) error {
	return fmt.Errorf("%w: %s", access.ErrUnauthenticated, fmt.Sprintf(format, args...))
}
