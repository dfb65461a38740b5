package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// Sending once more, when the collector is busy.
const (
	firstWait = 500 * time.Millisecond
	longWait  = 5 * time.Second
	// maxAnswer is how much of a collector's answer is read.
	maxAnswer = 64 << 10
)

// collector sends traces by HTTP as protobuf. The library has a client of its own,
// which links the code of gRPC in.
type collector struct {
	to      destination
	version string
	log     *slog.Logger
	http    *http.Client
	// wait returns after d, or with an error once ctx has ended.
	wait func(ctx context.Context, d time.Duration) error
}

func newCollector(to destination, o Options) *collector {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = to.tls
	return &collector{to: to, version: o.Version, log: o.Log, http: &http.Client{
		Transport: transport,
		// The secret in the headers goes to nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, wait: wait}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Start has nothing to do.
func (c *collector) Start(context.Context) error { return nil }

// Stop lets the connections go.
func (c *collector) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces sends spans until they are taken or refused for good, or the time
// for sending is over. Only answers that mean "later" are asked again.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// It has the form of ExportTraceServiceRequest on the wire, whose package
	// imports gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("writing the spans: %w", err)
	}
	if c.to.compress {
		if body, err = pack(body); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.to.timeout)
	defer cancel()
	for pause := firstWait; ; pause = min(2*pause, longWait) {
		after, err := c.post(ctx, body)
		var busy *busyError
		if err == nil || ctx.Err() != nil || !errors.As(err, &busy) {
			return err
		}
		if after <= 0 {
			// From half to one and a half, so that not all come back at once.
			after = pause/2 + rand.N(pause)
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < after {
			return err
		}
		if c.wait(ctx, after) != nil {
			return err
		}
	}
}

// busyError is an answer, or none, that may be better later.
type busyError struct{ cause error }

func (e *busyError) Error() string { return e.cause.Error() }
func (e *busyError) Unwrap() error { return e.cause }

// post sends once. With a busyError it returns how long the collector wants to be
// left alone, if it says so.
func (c *collector) post(ctx context.Context, body []byte) (after time.Duration, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.to.url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("sending the spans: %w", err)
	}
	for name, values := range c.to.header {
		request.Header[name] = values
	}
	request.Header.Set("User-Agent", "carehome/"+c.version)
	request.Header.Set("Content-Type", "application/x-protobuf")
	if c.to.compress {
		request.Header.Set("Content-Encoding", "gzip")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, &busyError{fmt.Errorf("sending the spans: %w", err)}
	}
	defer func() { _ = response.Body.Close() }() // read to its end or given up
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return 0, &busyError{fmt.Errorf("reading the collector's answer: %w", err)}
	}
	switch status := response.StatusCode; status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return retryAfter(response.Header.Get("Retry-After")), &busyError{fmt.Errorf("the collector answers %s", response.Status)}
	default:
		if status < 200 || status > 299 {
			return 0, fmt.Errorf("the collector refuses the spans: %s", response.Status)
		}
	}
	if n := rejected(answer); n > 0 {
		c.log.WarnContext(ctx, "the collector took only a part of the traces", "refused", n)
	}
	return 0, nil
}

// retryAfter reads seconds or a date; 0 if it is neither.
func retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// rejected is ExportTraceServiceResponse.partial_success.rejected_spans.
func rejected(answer []byte) (spans int64) {
	each := func(message []byte, found func(field protowire.Number, value []byte, number uint64)) {
		for len(message) > 0 {
			field, kind, n := protowire.ConsumeTag(message)
			if n < 0 {
				return
			}
			message = message[n:]
			var value []byte
			var number uint64
			switch kind {
			case protowire.BytesType:
				value, n = protowire.ConsumeBytes(message)
			case protowire.VarintType:
				number, n = protowire.ConsumeVarint(message)
			default:
				n = protowire.ConsumeFieldValue(field, kind, message)
			}
			if n < 0 {
				return
			}
			message = message[n:]
			found(field, value, number)
		}
	}
	each(answer, func(field protowire.Number, partial []byte, _ uint64) {
		if field == 1 {
			each(partial, func(field protowire.Number, _ []byte, number uint64) {
				if field == 1 {
					spans = int64(number)
				}
			})
		}
	})
	return spans
}

func pack(body []byte) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(body)
	if err := errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("packing the spans: %w", err)
	}
	return packed.Bytes(), nil
}
