package app

import (
	"crypto/tls"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"carehome/internal/config"
)

// lookEvery is how often the files of a certificate are looked at, at most.
const lookEvery = time.Second

// certificate is what the server proves itself by. New connections get the one
// that the files hold; those that there are go on with theirs.
type certificate struct {
	cert, key string
	clock     func() time.Time
	log       *slog.Logger

	mu     sync.Mutex
	now    *tls.Certificate
	files  [2]fs.FileInfo // as they were when last tried
	looked time.Time
}

// secured are the settings of TLS, nil where the server is to do without.
func (p Program) secured(c config.Edge, log *slog.Logger) (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	held := &certificate{cert: string(c.TLSCert), key: string(c.TLSKey), clock: p.Clock, log: log}
	if err := held.read(); err != nil {
		return nil, &config.Error{Problems: []string{fmt.Sprintf("The certificate cannot be used: %s.", err)}}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: held.get}, nil
}

// get is asked for each connection.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.clock(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if c.changed() {
			// One of the two may be written while the other is still to come: then
			// the old pair stays, and their change is seen again.
			if err := c.read(); err != nil {
				c.log.Warn("the new certificate cannot be used; the old one stays", "error", err)
			} else {
				c.log.Info("the certificate was read anew")
			}
		}
	}
	return c.now, nil
}

// changed reports whether the files are others than those that were tried last.
func (c *certificate) changed() bool {
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			continue // being replaced: looked at again in a second
		}
		before := c.files[i]
		if before == nil || !os.SameFile(info, before) || !info.ModTime().Equal(before.ModTime()) || info.Size() != before.Size() {
			return true
		}
	}
	return false
}

// read takes the pair from the files.
func (c *certificate) read() error {
	for i, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		c.files[i] = info
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return err
	}
	c.now = &pair
	return nil
}
