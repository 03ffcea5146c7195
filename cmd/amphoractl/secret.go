package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/amphora-lb/amphora/lb"
	"github.com/amphora-lb/amphora/rpc/admin"
)

var secretKind = kind[lb.Secret, lb.SecretSpec]{
	name:    lb.KindSecret,
	word:    "secret",
	aliases: []string{"secrets"},
	long: `A secret is a certificate, a key or something else that is kept encrypted with a key
that only the nodes have. TLS listeners and pools refer to secrets, or to containers
of them, by their ids or by the end of their URLs. What was stored is never shown again.`,
	columns: []string{"id", "name", "secret_type", "content_type", "created_at"},
	of:      func(c *admin.Client) admin.Collection[lb.Secret, lb.SecretSpec] { return c.Secrets },
	without: []string{"create", "set"},
	record: func(r admin.Resource[lb.Secret]) record {
		s := r.Value
		return owned(string(s.ID), s.Meta,
			field{"secret_type", optional(s.Type)},
			field{"content_type", optional(s.ContentType)},
			field{"algorithm", optional(s.Algorithm)},
			field{"mode", optional(s.Mode)},
			field{"bit_length", positive(s.BitLength)},
			field{"expires_at", instant(s.Expires)},
		)
	},
	flags:     func(*pflag.FlagSet, *lb.SecretSpec, bool) {},
	byProject: true,
	examples: map[string]string{
		"create": "  amphoractl secret store --name web --certificate web.crt --private-key web.key",
		"list":   "  amphoractl secret list",
		"show":   "  amphoractl secret show web-ca",
		"delete": "  amphoractl secret delete web-ca",
	},
}

var containerKind = kind[lb.SecretContainer, lb.SecretContainerSpec]{
	name:    lb.KindSecretContainer,
	word:    "container",
	aliases: []string{"containers"},
	long:    "A container groups secrets, such as a certificate with its key. `secret store` makes one\nof PEM files.",
	columns: []string{"id", "name", "type", "secrets"},
	of: func(c *admin.Client) admin.Collection[lb.SecretContainer, lb.SecretContainerSpec] {
		return c.SecretContainers
	},
	under:   "[NAME]",
	place:   func(s *lb.SecretContainerSpec, name string) { s.Name = lb.Some(name) },
	without: []string{"set"},
	flags: func(fs *pflag.FlagSet, s *lb.SecretContainerSpec, _ bool) {
		opt(fs, &s.Name, "name", "name", "name", text[string])
		opt(fs, &s.Type, "type", "containertype", "certificate, rsa or generic (required)", text[string])
		optList(fs, &s.Secrets, "secret", "name=secret", "secret under the name that it has there, such as private_key=web-key", contained)
		opt(fs, &s.ProjectID, "project", "project", "project that it belongs to", text[string])
	},
	record: func(r admin.Resource[lb.SecretContainer]) record {
		v := r.Value
		secrets := containedSecrets{}
		for _, s := range v.Secrets {
			secrets = append(secrets, containedText{s.Name, string(s.SecretID)})
		}
		return owned(string(v.ID), v.Meta, field{"type", v.Type}, field{"secrets", secrets})
	},
	byProject: true,
	examples: map[string]string{
		"create": "  amphoractl container create --type certificate --secret certificate=web-crt --secret private_key=web-key web",
		"list":   "  amphoractl container list",
		"show":   "  amphoractl container show web",
		"delete": "  amphoractl container delete web",
	},
}

type containedText struct {
	Name     string `json:"name"`
	SecretID string `json:"secret_id"`
}

type containedSecrets []containedText

// String is how a table shows them.
func (all containedSecrets) String() string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = s.Name + "=" + s.SecretID
	}
	return strings.Join(texts, ", ")
}

// contained parses name=secret.
func contained(s string) (lb.ContainedSecret, error) {
	name, ref, ok := strings.Cut(s, "=")
	if !ok || name == "" || ref == "" {
		return lb.ContainedSecret{}, errors.New("use name=secret")
	}
	return lb.ContainedSecret{Name: name, SecretID: lb.SecretID(ref)}, nil
}

// storing is what secret store was asked for.
type storing struct {
	meta                                               lb.MetaSpec
	file, kind                                         string
	certificate, privateKey, intermediates, passphrase string
	expires                                            lb.Opt[time.Time]
}

func (c *cli) secretStore() *cobra.Command {
	var s storing
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Store a certificate with its key, or another secret",
		Long: `Store PEM files as a container of a certificate, its private key and, if there are
any, the certificates between it and its root; or one file as a secret: a PKCS#12
bundle, a PEM file of authorities or of a revocation list, or anything else.

Print what was made, with its id. The node encrypts it before it is replicated.`,
		Example: `  amphoractl secret store --name web --certificate web.crt --private-key web.key --intermediates chain.crt
  amphoractl secret store --name web --file web.p12
  amphoractl secret store --name clients-ca --file ca.crt`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := arguments()(cmd, args); err != nil {
				return err
			}
			return s.check()
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.ask(cmd.Context(), func(ctx context.Context, client *admin.Client) error { return s.run(ctx, c, client) })
		},
	}
	fs := cmd.Flags()
	opt(fs, &s.meta.Name, "name", "name", "name", text[string])
	opt(fs, &s.meta.ProjectID, "project", "project", "project that it belongs to", text[string])
	fileFlag := func(to *string, name, usage string) {
		refFlag(fs, to, name, "file", usage)
	}
	fileFlag(&s.file, "file", "file to store as one secret; - is standard input")
	fileFlag(&s.certificate, "certificate", "PEM file of the certificate")
	fileFlag(&s.privateKey, "private-key", "PEM file of its private key")
	fileFlag(&s.intermediates, "intermediates", "PEM file of the certificates between it and its root")
	fileFlag(&s.passphrase, "passphrase-file", "file with the passphrase of the private key")
	refFlag(fs, &s.kind, "type", "secrettype", "certificate, private, public, passphrase, opaque or symmetric; by default by what is in the file")
	opt(fs, &s.expires, "expires", "time", "when it expires, such as 2027-01-31T00:00:00Z", func(s string) (time.Time, error) {
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return t, errors.New("use a time such as 2027-01-31T00:00:00Z")
		}
		return t.UTC(), nil
	})
	return cmd
}

func (s *storing) check() error {
	switch {
	case s.file == "" && s.certificate == "":
		return errors.New("nothing to store, give --file, or --certificate with --private-key")
	case s.file != "" && s.certificate+s.privateKey+s.intermediates+s.passphrase != "":
		return errors.New("--file is stored alone, without --certificate and its like")
	case s.certificate != "" && s.privateKey == "":
		return errors.New("--certificate needs --private-key")
	}
	return nil
}

func (s *storing) run(ctx context.Context, c *cli, client *admin.Client) error {
	if s.file != "" {
		one, err := s.secret(c, "", s.file, s.kind)
		if err != nil {
			return err
		}
		one.Spec.MetaSpec = s.meta
		r, err := client.StoreSecret(ctx, one)
		if err != nil {
			return err
		}
		return c.output.printOne(c.stdout, secretKind.record(r))
	}
	var all []admin.NewSecret
	for _, part := range []struct{ name, file, kind string }{
		{"certificate", s.certificate, "certificate"},
		{"private_key", s.privateKey, "private"},
		{"intermediates", s.intermediates, "certificate"},
		{"private_key_passphrase", s.passphrase, "passphrase"},
	} {
		if part.file == "" {
			continue
		}
		one, err := s.secret(c, part.name, part.file, part.kind)
		if err != nil {
			return err
		}
		if block, _ := pem.Decode(one.Payload); block == nil && part.kind != "passphrase" {
			return fmt.Errorf("--%s: %s is not a PEM file; store PKCS#12 with --file", strings.ReplaceAll(part.name, "_", "-"), part.file)
		}
		one.Spec.ProjectID = s.meta.ProjectID
		if name, ok := s.meta.Name.Get(); ok {
			one.Spec.Name = lb.Some(name + "-" + strings.ReplaceAll(part.name, "_", "-"))
		}
		all = append(all, one)
	}
	r, err := client.StoreContainer(ctx, lb.SecretContainerSpec{MetaSpec: s.meta, Type: lb.Some("certificate")}, all...)
	if err != nil {
		return err
	}
	return c.output.printOne(c.stdout, containerKind.record(r))
}

// maxSecret is how much of a file is read: more than the node takes.
const maxSecret = 1 << 20

// secret reads a file and guesses what it is.
func (s *storing) secret(c *cli, as, file, kind string) (admin.NewSecret, error) {
	in := c.stdin
	if file != "-" {
		f, err := os.Open(filepath.Clean(file))
		if err != nil {
			return admin.NewSecret{}, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxSecret))
	if err != nil {
		return admin.NewSecret{}, fmt.Errorf("read %s: %w", file, err)
	}
	if kind == "passphrase" {
		data = []byte(strings.TrimRight(string(data), "\r\n"))
	}
	block, _ := pem.Decode(data)
	content := "application/octet-stream"
	switch {
	case block != nil:
		content = "text/plain"
		if kind == "" && strings.HasSuffix(block.Type, "PRIVATE KEY") {
			kind = "private"
		} else if kind == "" && block.Type == "CERTIFICATE" {
			kind = "certificate"
		}
	case kind == "passphrase":
		content = "text/plain"
	}
	if kind == "" {
		kind = "opaque"
	}
	spec := lb.SecretSpec{Type: lb.Some(kind), ContentType: lb.Some(content), Expires: s.expires}
	return admin.NewSecret{Spec: spec, Payload: data, ContainedAs: as}, nil
}
