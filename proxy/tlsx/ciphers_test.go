package tlsx

import (
	"crypto/tls"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/amphora-lb/amphora/internal/testenv"
	"github.com/amphora-lb/amphora/lb"
)

func names(ids []uint16) []string {
	var out []string
	for _, s := range suites {
		if slices.Contains(ids, s.id) {
			out = append(out, s.name)
		}
	}
	slices.Sort(out)
	return out
}

var cipherLists = []string{
	"HIGH:!aNULL:!MD5", "DEFAULT", "ALL", "ALL:!kRSA", "ECDHE+AESGCM", "ECDHE+AESGCM:ECDHE+CHACHA20", "AES128", "AESGCM", "AES256+SHA", "kRSA+AES", "RSA",
	"aRSA", "ECDSA", "aECDSA:!SHA1", "ALL:-AES128:AES128+ECDHE", "ALL:!AES128:AES128", "ALL:+RSA:@STRENGTH", "TLSv1.2", "TLSv1.2:!kRSA", "SSLv3", "TLSv1",
	"TLSv1.0", "SHA256", "SHA384", "EECDH+AESGCM:EDH+AESGCM", "ECDHE-RSA-AES128-GCM-SHA256", "CHACHA20", "HIGH:!AESGCM", "SHA1+ECDHE", "ECDH:!ECDSA",
	"ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256", "ALL:!COMPLEMENTOFDEFAULT:!eNULL", "ALL:!3DES:!RC4:!CAMELLIA", "MEDIUM:AES128-SHA",
}

// Of the suites that both have, ours are those that OpenSSL takes out of a list too.
func TestCiphersAgreeWithOpenSSL(t *testing.T) {
	testenv.RequireDebian(t, "/usr/bin/openssl", "openssl")
	var ours []string
	for _, s := range suites {
		ours = append(ours, s.name)
	}
	for _, list := range cipherLists {
		out, err := exec.CommandContext(t.Context(), "openssl", "ciphers", "-v", list+":@SECLEVEL=0").Output()
		var want []string
		if err == nil { // else nothing is left
			for line := range strings.Lines(string(out)) {
				if name, _, _ := strings.Cut(line, " "); slices.Contains(ours, name) {
					want = append(want, name)
				}
			}
		}
		slices.Sort(want)
		ids, _ := Ciphers(list)
		if got := names(ids); !slices.Equal(got, want) {
			t.Errorf("%s:\n got  %v\n want %v", list, got, want)
		}
	}
}

func TestCiphersUnknown(t *testing.T) {
	for list, want := range map[string][]string{
		"ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256":   {"DHE-RSA-AES128-GCM-SHA256"},
		"TLS_AES_128_GCM_SHA256:HIGH:!aNULL:-NO-SUCH:@SECLEVEL=2": nil,
		"NO-SUCH":         {"NO-SUCH"},
		"ECDHE+NO":        {"ECDHE+NO"},
		"":                nil,
		":::":             nil,
		"!ALL:ALL":        nil,
		"RC4-SHA:AES+RSA": {"RC4-SHA"},
	} {
		ids, unknown := Ciphers(list)
		if !slices.Equal(unknown, want) {
			t.Errorf("%q: unknown are %v, want %v", list, unknown, want)
		}
		if strings.HasPrefix(list, "!ALL") && len(ids) > 0 {
			t.Errorf("%q: killed suites came back: %v", list, names(ids))
		}
	}
}

// Every suite in the table is one that crypto/tls has, under a name that says the same.
func TestSuitesAreThoseOfCryptoTLS(t *testing.T) {
	known := map[uint16]string{}
	for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		known[s.ID] = s.Name
	}
	for _, s := range suites {
		name, ok := known[s.id]
		plain := strings.NewReplacer("TLS_RSA_WITH_", "", "TLS_", "", "_WITH_", "", "POLY1305_SHA256", "POLY1305", "_CBC", "", "_", "", "-", "").Replace
		if !ok || plain(s.name) != plain(name) {
			t.Errorf("%s has the number of %q", s.name, name)
		}
	}
}

func FuzzCiphers(f *testing.F) {
	for _, list := range cipherLists {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		ids, _ := Ciphers(list)
		if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
			t.Errorf("%q: suites are named twice", list)
		}
		if none, _ := Ciphers(list + ":!ALL"); len(none) > 0 {
			t.Errorf("%q: %v outlive !ALL", list, names(none))
		}
	})
}

func TestParams(t *testing.T) {
	both := []string{"http/1.1", "http/1.0"}
	for name, tt := range map[string]struct {
		p        lb.TLSParams
		versions []uint16
		alpn     []string
		err      string
	}{
		"nothing":     {lb.TLSParams{}, []uint16{tls.VersionTLS12, tls.VersionTLS13}, nil, ""},
		"any order":   {lb.TLSParams{Versions: []string{"TLSv1.3", "TLSv1", "TLSv1.3"}}, []uint16{tls.VersionTLS10, tls.VersionTLS13}, nil, ""},
		"SSLv3 too":   {lb.TLSParams{Versions: []string{"SSLv3", "TLSv1.2"}}, []uint16{tls.VersionTLS12}, nil, ""},
		"SSLv3":       {lb.TLSParams{Versions: []string{"SSLv3"}}, nil, nil, "tls_versions: SSLv3 is not served"},
		"no suites":   {lb.TLSParams{Ciphers: "RC4-SHA", Versions: []string{"TLSv1.2"}}, nil, nil, "tls_ciphers: no suite is left for TLSv1.2: RC4-SHA is not served"},
		"1.3 is left": {lb.TLSParams{Ciphers: "RC4-SHA", Versions: []string{"TLSv1.2", "TLSv1.3"}}, []uint16{tls.VersionTLS13}, nil, ""},
		"all killed":  {lb.TLSParams{Ciphers: "!ALL", Versions: []string{"TLSv1.2"}}, nil, nil, "the list excludes all"},
		"ALPN":        {lb.TLSParams{ALPN: []string{"h2", "http/1.0", "http/1.1"}}, []uint16{tls.VersionTLS12, tls.VersionTLS13}, []string{"http/1.0", "http/1.1"}, ""},
		"h2 alone":    {lb.TLSParams{ALPN: []string{"h2"}}, nil, nil, "alpn_protocols: h2 is not served"},
	} {
		got, err := read(tt.p, both)
		switch {
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("%s: got %v, want %q", name, err, tt.err)
		case tt.err == "" && (err != nil || !slices.Equal(got.versions, tt.versions) || !slices.Equal(got.alpn, tt.alpn)):
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}
