package app

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"carehome/internal/config"
	"carehome/internal/problem"
)

// What a page of an allowed site may send and read; see the Fetch standard. It
// sends no cookies, for there are none.
const (
	corsMethods  = "GET, POST"
	corsHeaders  = "Authorization, Content-Type, Accept, Accept-Language, Last-Event-ID, " + requestHeader
	corsReadable = requestHeader + ", Retry-After, WWW-Authenticate, Content-Language"
	corsSeconds  = "600"
)

// shared lets pages of the allowed sites read answers, and nobody else's.
func shared(allowed config.Origins, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		// Whether or not the site is allowed: the answer depends on it.
		header.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		ok := slices.Contains(allowed, origin)
		if ok {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Expose-Headers", corsReadable)
		}
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		header.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
		if !ok {
			refuse(w, r, http.StatusForbidden, problem.Forbidden, "a page of another site may not send this")
			return
		}
		header.Set("Access-Control-Allow-Methods", corsMethods)
		header.Set("Access-Control-Allow-Headers", corsHeaders)
		header.Set("Access-Control-Max-Age", corsSeconds)
		w.WriteHeader(http.StatusNoContent)
	})
}

// sameMachine refuses requests that were sent to another name than this
// machine's own, or that of an allowed site: a proxy on this machine passes on the
// name that it is reached by. Where nobody has to say who they are, a web page
// elsewhere could otherwise have its own name point here and read everything.
func sameMachine(allowed config.Origins, next http.Handler) http.Handler {
	var hosts []string
	for _, origin := range allowed {
		if u, err := url.Parse(origin); err == nil {
			hosts = append(hosts, u.Host)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]") // no port
		}
		if !config.Address(net.JoinHostPort(host, "0")).Loopback() && !slices.Contains(hosts, strings.ToLower(r.Host)) {
			refuse(w, r, http.StatusMisdirectedRequest, problem.Forbidden,
				"this server answers to localhost only, and to the names of --allow-origin")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses changes that a browser sends from a page of another site,
// unless that is allowed.
func sameOrigin(allowed config.Origins, next http.Handler) (http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	for _, origin := range allowed {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			return nil, err
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusForbidden, problem.Forbidden, "a page of another site may not send this")
	}))
	return protection.Handler(next), nil
}
