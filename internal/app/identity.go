package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"carehome/ent"
	"carehome/graph/transport"
	"carehome/internal/audit"
	"carehome/internal/auth"
	"carehome/internal/care"
	"carehome/internal/config"
	"carehome/internal/secret"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// goneWithin is what is promised of whoever is revoked, deactivated or given another
// role, wherever that was done: so long at most they go on with what they have open.
const goneWithin = 5 * time.Second

// What is known of a key or a person is at most auth.Fresh old, and those who listen
// are looked at every transport.CheckEvery. The program does not compile if that is
// more than what is promised; the second that is left is for the look itself.
const _ = uint64(goneWithin - auth.Fresh - transport.CheckEvery - time.Second)

// exposed refuses settings by which records would lie open, where that is certain
// before the database is opened: whether there is a key is known only then.
func exposed(c config.ServeCommand) error {
	if c.Listen.Loopback() {
		return nil
	}
	_, err := os.Stat(string(c.Database.Database))
	if errors.Is(err, fs.ErrNotExist) && c.OIDCIssuer == "" && c.AdminKeyFile == "" {
		return unprotected(c.Listen)
	}
	if c.TLSCert == "" && !c.PlainHTTP {
		return &config.Error{Problems: []string{fmt.Sprintf("Keys and records would go to and from %s in the clear: give --tls-cert and --tls-key, or --plain-http where a proxy before this server speaks TLS or the network is one of trusted machines alone.", c.Listen)}}
	}
	return nil
}

// unprotected says what to do before other machines are answered.
func unprotected(address config.Address) error {
	return &config.Error{Problems: []string{fmt.Sprintf("Other machines can reach %s, and nobody could say who they are, as there is no key yet: make one with \"carehome key create\", name a file for one with --admin-key-file or an identity provider with --oidc-issuer, or listen on 127.0.0.1.", address)}}
}

// identify sets up who is let in.
func (p Program) identify(ctx context.Context, s *site, st *store.Store, c config.ServeCommand, admin viewer.Viewer, tell auth.Tell) error {
	if c.AdminKeyFile != "" && !c.ReadOnly {
		if err := adminKey(ctx, st, string(c.AdminKeyFile), admin, s.log); err != nil {
			return err
		}
	}
	o := auth.Options{Client: st.Client(), AfterCommit: store.AfterCommit, Tell: tell, Clock: p.Clock, Log: s.log}
	if !c.ReadOnly {
		o.Write = st.Write
	}
	if c.Listen.Loopback() {
		o.Anyone = &admin
	}
	if c.OIDCIssuer != "" {
		roles := map[string]viewer.Role{}
		for value, role := range c.OIDCRoles {
			roles[value] = viewer.Role(role)
		}
		o.Tokens = auth.NewProvider(auth.ProviderOptions{
			Issuer: string(c.OIDCIssuer), Audience: c.OIDCAudience, Algorithms: c.OIDCAlgorithms,
			RoleClaim: c.OIDCRoleClaim, Roles: roles, Clock: p.Clock, Log: s.log,
		})
	}
	s.guard = auth.New(o)
	configured, err := s.guard.Configured(ctx)
	if err != nil {
		return err
	}
	s.open = !configured
	if s.open && !c.Listen.Loopback() {
		return unprotected(c.Listen)
	}
	return nil
}

// leave ends what identify began.
func (s *site) leave() {
	if s.guard == nil {
		return
	}
	s.guard.Close()
	if s.guard.Tokens != nil {
		s.guard.Tokens.Close()
	}
}

// adminKey sees to it that a home without keys has one of its administrator, in a
// file that only the owner can read. The file is written first: where the program
// ends in between, the next start takes the key in.
func adminKey(ctx context.Context, st *store.Store, file string, admin viewer.Viewer, log *slog.Logger) error {
	ctx = audit.WithOperation(viewer.With(ctx, viewer.System()), "start")
	if there, err := st.Client().APIKey.Query().Exist(ctx); err != nil || there {
		return err
	}
	key, err := keyIn(file)
	if errors.Is(err, fs.ErrNotExist) {
		key = secret.New()
		err = writeKey(file, key)
	}
	if err != nil {
		return fmt.Errorf("the administrator's key: %w", err)
	}
	err = care.Guard(st.Write)(ctx, func(ctx context.Context, tx *ent.Client) error {
		_, _, err := care.CreateKey(ctx, tx, ent.CreateApiKeyInput{Name: "Made at the first start", StaffUserID: admin.ID}, key)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping the administrator's key: %w", err)
	}
	log.InfoContext(ctx, "the home has its first key, of the administrator", "file", file, "prefix", key.Prefix())
	return nil
}

// errNoKey is a file that should hold a key and does not.
var errNoKey = errors.New("the file holds no key: remove it, and a key is made")

// keyIn reads the key in a file.
func keyIn(file string) (secret.Key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	key, ok := secret.Parse(strings.TrimSpace(string(text)))
	if !ok {
		return "", fmt.Errorf("%s: %w", file, errNoKey)
	}
	return key, nil
}

// writeKey makes a file with a key; it is there whole or not at all.
func writeKey(file string, key secret.Key) (err error) {
	const private = 0o600
	part := file + ".part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, private)
	if err != nil {
		return err
	}
	_, err = out.WriteString(key.Reveal() + "\n")
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close(), os.Chmod(part, private)); err == nil {
		err = os.Rename(part, file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	folder, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
