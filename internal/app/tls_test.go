package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"carehome/internal/config"
)

// newCertificate writes a certificate of 127.0.0.1 with its key, in place of those
// that are there, and trusts it.
func newCertificate(t *testing.T, folder string, serial int64, trusted *x509.CertPool) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "carehome"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trusted.AddCert(made)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name+".new", pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(name+".new", name); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestTLS(t *testing.T) {
	folder, trusted := t.TempDir(), x509.NewCertPool()
	cert, key := newCertificate(t, folder, 1, trusted)
	r := start(t, Program{}, "--database", filepath.Join(folder, "home.db"), "--tls-cert", cert, "--tls-key", key)
	address := strings.TrimPrefix(r.url, "http://")
	client := func(keep bool) *http.Client {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted.Clone()}, DisableKeepAlives: !keep, ForceAttemptHTTP2: true}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	// get asks and returns the number of the certificate.
	get := func(c *http.Client) int64 {
		t.Helper()
		response, err := c.Get("https://" + address + "/livez")
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, response.Body)
		if response.StatusCode != http.StatusOK || response.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("got %d %v", response.StatusCode, response.Header)
		}
		return response.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	kept := client(true)
	if n := get(kept); n != 1 {
		t.Errorf("certificate %d", n)
	}
	serving := r.log.find(t, "serving")
	if len(serving) != 1 || serving[0]["url"] != "https://"+address {
		t.Errorf("it says %v", serving)
	}
	old, err := tls.Dial("tcp", address, &tls.Config{RootCAs: trusted, MaxVersion: tls.VersionTLS11})
	if err == nil {
		t.Errorf("it speaks TLS 1.1: %v", old.Close())
	}
	plain, err := http.Get("http://" + address + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, plain.Body)
	if plain.StatusCode != http.StatusBadRequest {
		t.Errorf("it speaks without TLS: %s", plain.Status)
	}

	// The pair is replaced while others ask: no request fails.
	stop := make(chan struct{})
	var all sync.WaitGroup
	newCertificate(t, folder, 2, trusted)
	for range 2 {
		all.Go(func() {
			c := client(false)
			for {
				select {
				case <-stop:
					return
				default:
				}
				response, err := c.Get("https://" + address + "/livez")
				if err != nil {
					t.Errorf("a request failed: %v", err)
					return
				}
				if err := response.Body.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	deadline := time.Now().Add(time.Minute)
	for get(client(false)) != 2 {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not used")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := get(kept); n != 1 {
		t.Errorf("the kept connection has certificate %d", n)
	}
	// What cannot be used leaves the old one.
	if err := os.WriteFile(cert, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	for len(r.log.find(t, "the new certificate cannot be used; the old one stays")) == 0 {
		if n := get(client(false)); n != 2 {
			t.Errorf("certificate %d", n)
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody is told")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := get(client(false)); n != 2 {
		t.Errorf("certificate %d", n)
	}
	close(stop)
	all.Wait()

	cfg, err := config.Parse([]string{"healthcheck", "--listen", address, "--tls-cert", cert}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := (Program{Stdout: new(lines), Stderr: new(lines)}).Run(context.Background(), cfg); err != nil {
		t.Errorf("the healthcheck: %v", err)
	}
}
