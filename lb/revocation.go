package lb

import "time"

const maxTokenID = 64 // bytes

func (o Revoke) apply(e *edit) (Result, error) {
	r := &Revocation{TokenID: o.TokenID, Expires: o.Expires.UTC().Truncate(time.Second), Revision: e.revision}
	c := &checker{kind: KindRevocation, id: o.TokenID}
	if r.TokenID == "" || len(r.TokenID) > maxTokenID {
		c.invalid("token_id", "has %d bytes, use 1 to %d", len(r.TokenID), maxTokenID)
	}
	if !r.Expires.After(e.at) {
		c.invalid("expires_at", "has passed already: the token is void without being revoked")
	}
	if err := c.err(); err != nil {
		return Result{}, err
	}
	result := e.wrote(KindRevocation, r.TokenID, r)
	for old := range e.Revocations() {
		if !old.Expires.After(e.at) && old.TokenID != r.TokenID {
			e.revocations = e.revocations.Without(old.TokenID)
			e.deleted(KindRevocation, old.TokenID)
		}
	}
	e.revocations = e.revocations.With(r.TokenID, r)
	return result, nil
}
