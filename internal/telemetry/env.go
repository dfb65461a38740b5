package telemetry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// environment reads OpenTelemetry's standard variables, as far as the exporter
// is concerned. The sampler, the batches and the limits of spans are read by the
// library itself.
type environment struct{ get func(string) string }

// destination is where traces are sent and how.
type destination struct {
	url      string
	header   http.Header
	timeout  time.Duration
	compress bool
	tls      *tls.Config
}

const (
	defaultTimeout = 10 * time.Second
	tracesPath     = "v1/traces"
)

// of reads the variable of traces, or else that of all signals.
func (e environment) of(name string) string {
	if value := strings.TrimSpace(e.get("OTEL_EXPORTER_OTLP_TRACES_" + name)); value != "" {
		return value
	}
	return strings.TrimSpace(e.get("OTEL_EXPORTER_OTLP_" + name))
}

// propagates reports whether the trace that a request names is gone on with.
func (e environment) propagates() bool {
	list := strings.TrimSpace(e.get("OTEL_PROPAGATORS"))
	if list == "" {
		return true
	}
	for one := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(one) == "tracecontext" {
			return true
		}
	}
	return false
}

// destination returns nil where nobody asked for traces.
func (e environment) destination() (*destination, error) {
	base := strings.TrimSpace(e.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
	own := strings.TrimSpace(e.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))
	if strings.EqualFold(strings.TrimSpace(e.get("OTEL_SDK_DISABLED")), "true") || base == "" && own == "" {
		return nil, nil
	}
	switch exporter := strings.TrimSpace(e.get("OTEL_TRACES_EXPORTER")); exporter {
	case "", "otlp":
	case "none":
		return nil, nil
	default:
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER is %q; only otlp and none are known", exporter)
	}
	if protocol := e.of("PROTOCOL"); protocol != "" && protocol != "http/protobuf" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q; only http/protobuf is spoken, mostly at port 4318", protocol)
	}
	d := &destination{timeout: defaultTimeout}
	var err error
	if d.url, err = address(base, own); err != nil {
		return nil, err
	}
	if d.header, err = headers(e.of("HEADERS")); err != nil {
		return nil, err
	}
	if text := e.of("TIMEOUT"); text != "" {
		milliseconds, err := strconv.Atoi(text)
		if err != nil || milliseconds <= 0 {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT is %q; it is a number of milliseconds", text)
		}
		d.timeout = time.Duration(milliseconds) * time.Millisecond
	}
	switch compression := e.of("COMPRESSION"); compression {
	case "", "none":
	case "gzip":
		d.compress = true
	default:
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION is %q; only gzip and none are known", compression)
	}
	d.tls, err = e.certificates()
	return d, err
}

// address is the whole address for traces: the one given for them as it is, or
// below the one given for all signals.
func address(base, own string) (string, error) {
	name, text := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", own
	if own == "" {
		name, text = "OTEL_EXPORTER_OTLP_ENDPOINT", base
	}
	to, err := url.Parse(text)
	if err != nil || to.Scheme != "http" && to.Scheme != "https" || to.Host == "" {
		// Without the text: it may hold a password.
		return "", fmt.Errorf("%s must be an address that begins with http:// or https://", name)
	}
	if own == "" {
		to = to.JoinPath(tracesPath)
	} else if to.Path == "" {
		to.Path = "/"
	}
	return to.String(), nil
}

// headers reads "key=value,key=value", the values escaped as in addresses.
func headers(text string) (http.Header, error) {
	wrong := errors.New("OTEL_EXPORTER_OTLP_HEADERS must be like key=value,key=value")
	header := http.Header{}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, escaped, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(escaped))
		key = strings.TrimSpace(key)
		if !ok || err != nil || !isToken(key) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, wrong // a value is a secret: it is not repeated
		}
		header.Set(key, value)
	}
	return header, nil
}

// isToken reports whether text can be a header's name.
func isToken(text string) bool {
	for _, c := range []byte(text) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return text != ""
}

// certificates returns whom to trust and who we are, or nil for the usual.
func (e environment) certificates() (*tls.Config, error) {
	authorities, certificate, key := e.of("CERTIFICATE"), e.of("CLIENT_CERTIFICATE"), e.of("CLIENT_KEY")
	if authorities == "" && certificate == "" && key == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if authorities != "" {
		text, err := os.ReadFile(authorities)
		if err != nil {
			return nil, fmt.Errorf("reading OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: there is no certificate in %s", authorities)
		}
	}
	if certificate != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("reading OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
