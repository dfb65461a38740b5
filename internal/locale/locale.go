package locale

import (
	"context"
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

// maxHeader is more than any browser sends; a longer header is not even read.
const maxHeader = 1000

type key struct{}

// With returns a context whose messages are said in the language.
func With(ctx context.Context, tag language.Tag) context.Context {
	return context.WithValue(ctx, key{}, tag)
}

// From is the language that With carried, else English.
func From(ctx context.Context) language.Tag {
	if tag, ok := ctx.Value(key{}).(language.Tag); ok {
		return tag
	}
	return language.English
}

// Negotiate lets next answer in the language that the request's Accept-Language
// prefers of English and Spanish; English, if it asks for neither or cannot be
// read. The answer tells so in Content-Language, and caches in Vary.
// See RFC 9110, 8.5 and 12.5.4.
func Negotiate(next http.Handler) http.Handler {
	supported := []language.Tag{language.English, language.Spanish}
	matcher := language.NewMatcher(supported)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := supported[0]
		if header := strings.Join(r.Header.Values("Accept-Language"), ","); len(header) <= maxHeader {
			if wanted, _, err := language.ParseAcceptLanguage(header); err == nil {
				_, i, _ := matcher.Match(wanted...)
				tag = supported[i]
			}
		}
		w.Header().Set("Content-Language", tag.String())
		w.Header().Add("Vary", "Accept-Language")
		next.ServeHTTP(w, r.WithContext(With(r.Context(), tag)))
	})
}
