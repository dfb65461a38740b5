package app

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"carehome/graph/transport"
	"carehome/internal/auth"
	"carehome/internal/locale"
	"carehome/internal/problem"
	"carehome/internal/requestid"
	"carehome/internal/telemetry"
	"carehome/internal/viewer"
)

type addressKey struct{}

// identified lets those through who say who they are, and names them. A WebSocket
// may say so later, in its first message.
func (s *site) identified(proxies []netip.Prefix, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), addressKey{}, addressOf(r, proxies))
		admitted, err := s.admit(ctx, strings.Join(r.Header.Values("Authorization"), ","))
		var refused *auth.RefusedError
		switch {
		case err == nil:
			ctx = admitted
		case errors.As(err, &refused) && !refused.Presented && transport.Socket{}.Supports(r):
		default:
			s.turnAway(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// admit is the guard's, from the address in ctx; the viewer stands in the line of
// the access log.
func (s *site) admit(ctx context.Context, authorization string) (context.Context, error) {
	from, _ := ctx.Value(addressKey{}).(string)
	ctx, err := s.guard.Admit(ctx, authorization, from)
	if err != nil {
		return nil, err
	}
	v, _ := viewer.From(ctx)
	requestid.NameViewer(ctx, v.ID.String(), string(v.Role))
	telemetry.Asked(ctx, string(v.Role))
	return ctx, nil
}

// signIn lets in by a key or a token alone.
func (s *site) signIn(ctx context.Context, credential string) (context.Context, error) {
	return s.admit(ctx, "Bearer "+credential)
}

// valid reports whether whoever was let in would still be. Where that cannot be
// read, neither can anything else.
func (s *site) valid(ctx context.Context) bool {
	err := s.guard.Valid(ctx)
	var refused *auth.RefusedError
	if err != nil && !errors.As(err, &refused) && ctx.Err() == nil {
		s.log.WarnContext(ctx, "a viewer could not be checked", "error", err)
		return true
	}
	return err == nil
}

// turnAway answers who is not let in.
func (s *site) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	status, shown := http.StatusInternalServerError, explain(err)
	var refused *auth.RefusedError
	switch {
	case errors.As(err, &refused):
		status, shown = refused.Status, refused.Problem
		if refused.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(refused.RetryAfter.Seconds()))))
		}
		if status == http.StatusUnauthorized {
			challenge := `Bearer realm="carehome"`
			if refused.Presented {
				challenge += `, error="invalid_token"`
			}
			w.Header().Set("WWW-Authenticate", challenge)
		}
	case shown != nil:
		status = http.StatusServiceUnavailable
	case r.Context().Err() != nil: // there is nobody any more to be told
		status, shown = http.StatusServiceUnavailable, problem.New(problem.Timeout, "", "the request was given up by its sender")
	default:
		s.log.ErrorContext(r.Context(), "who is asking could not be found out", "error", err)
		shown = problem.New(problem.Internal, "", "something went wrong here; the request's id tells us what")
	}
	locale.Negotiate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, status, shown.Code, s.words.Say(r.Context(), "", shown.Message))
	})).ServeHTTP(w, r)
}

// addressOf is from where a request comes, for counting failures: the peer's
// address or, where that is a proxy of ours, the last in X-Forwarded-For that is
// none. Of IPv6 it is the network, since one home has a whole one.
func addressOf(r *http.Request, proxies []netip.Prefix) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	address = address.Unmap().WithZone("")
	said := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(said) - 1; i >= 0 && within(address, proxies); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(said[i]))
		if err != nil {
			break
		}
		address = before.Unmap().WithZone("")
	}
	if address.Is6() {
		const network = 64
		return netip.PrefixFrom(address, network).Masked().String()
	}
	return address.String()
}

func within(address netip.Addr, networks []netip.Prefix) bool {
	for _, network := range networks {
		if network.Contains(address) {
			return true
		}
	}
	return false
}
