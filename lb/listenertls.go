package lb

import "math"

// fillTLS is for what a listener shows to clients and asks of them.
func (spec ListenerSpec) fillTLS(c *checker, l *Listener) {
	t := &l.TLS
	c.ref("default_tls_container_ref", &t.DefaultRef, spec.TLSDefaultRef)
	c.ref("client_ca_tls_container_ref", &t.ClientCARef, spec.ClientCARef)
	c.ref("client_crl_container_ref", &t.ClientCRLRef, spec.ClientCRLRef)
	optional(&t.SNIRefs, spec.SNIRefs, nil)
	if len(t.SNIRefs) == 0 {
		t.SNIRefs = nil
	}
	for _, ref := range t.SNIRefs {
		c.text("sni_container_refs", ref, maxText)
	}
	optional(&t.ClientAuth, spec.ClientAuth, ClientAuthNone)
	enum(c, "client_authentication", t.ClientAuth, ClientAuthNone, ClientAuthOptional, ClientAuthMandatory)

	def := TLSParams{}
	if l.Protocol == ProtocolTerminatedHTTPS {
		def = defaultTLSParams
	}
	spec.TLSParamsSpec.fill(c, &t.TLSParams, def)
	c.listenerCerts(l)
	spec.fillHSTS(c, l)
}

// listenerCerts checks which references a listener has: all rules of one listener at
// once would say the same thing several times, so the first that is broken counts.
func (c *checker) listenerCerts(l *Listener) {
	t := &l.TLS
	cert := t.DefaultRef != "" || t.SNIRefs != nil
	switch {
	case l.Protocol.datagram() && (cert || t.ClientCARef != "" || t.ClientCRLRef != ""):
		c.failure("default_tls_container_ref", "%s protocol listener does not support TLS or header insertion.", l.Protocol)
	case l.Protocol != ProtocolTerminatedHTTPS && l.Protocol != ProtocolPrometheus && (cert || t.ClientCARef != ""):
		c.failure("default_tls_container_ref", "Certificate container references are not allowed on %s protocol listeners.", l.Protocol)
	case l.Protocol == ProtocolTerminatedHTTPS && !cert:
		c.failure("default_tls_container_ref",
			"An SNI or default certificate container reference must be provided for %s protocol listeners.", l.Protocol)
	case t.ClientCARef != "" && !cert:
		c.failure("client_ca_tls_container_ref",
			"An SNI or default certificate container reference must be provided with a client CA container reference.")
	case t.ClientAuth != ClientAuthNone && t.ClientCARef == "":
		c.failure("client_authentication",
			"Client authentication setting %s requires a client CA container reference.", t.ClientAuth)
	case t.ClientCRLRef != "" && t.ClientCARef == "":
		c.failure("client_crl_container_ref",
			"A client authentication CA reference is required to specify a client authentication revocation list.")
	}
}

func (spec ListenerSpec) fillHSTS(c *checker, l *Listener) {
	h := &l.HSTS
	if v, ok := spec.HSTSMaxAge.Get(); ok {
		h.MaxAge = &v
		between(c, "hsts_max_age", v, 0, math.MaxInt32)
	} else if spec.HSTSMaxAge.IsNull() {
		h.MaxAge = nil
	}
	optional(&h.IncludeSubdomains, spec.HSTSIncludeSubdomains, false)
	optional(&h.Preload, spec.HSTSPreload, false)
	switch {
	case h.MaxAge == nil && (h.IncludeSubdomains || h.Preload):
		c.failure("hsts_max_age", "HSTS configuration options hsts_include_subdomains and hsts_preload only make sense "+
			"if hsts_max_age is set as well.")
	case h.MaxAge != nil && l.Protocol != ProtocolTerminatedHTTPS:
		c.failure("hsts_max_age", "HSTS feature can only be used for listeners using the TERMINATED_HTTPS protocol.")
	}
}
