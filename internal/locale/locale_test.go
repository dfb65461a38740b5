package locale

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestNegotiate(t *testing.T) {
	handler := Negotiate(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := w.Write([]byte(From(r.Context()).String())); err != nil {
			t.Error(err)
		}
	}))
	for header, want := range map[string]string{
		"":                                   "en",
		"en":                                 "en",
		"es":                                 "es",
		"ES":                                 "es",
		"es-ES,es;q=0.9,en;q=0.8":            "es",
		"es-419":                             "es",
		"es-MX, en;q=0.5":                    "es",
		"en-GB,en;q=0.9,es;q=0.8":            "en",
		"es;q=0.3, en;q=0.7":                 "en",
		"fr":                                 "en",
		"fr, es;q=0.5":                       "es",
		"fr-FR, de;q=0.9":                    "en",
		"ca, es;q=0.8, en;q=0.5":             "es",
		"es;q=0":                             "en",
		"*":                                  "en",
		"es; q = , ;;":                       "en",
		"no language at all":                 "en",
		strings.Repeat("es,", 300) + "es":    "es",
		strings.Repeat("es-ES,", 300) + "es": "en",
	} {
		request := httptest.NewRequest(http.MethodPost, "/", nil)
		if header != "" {
			request.Header.Set("Accept-Language", header)
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if got := answer.Body.String(); got != want {
			t.Errorf("%.60q gets %s, want %s", header, got, want)
		}
		if answer.Header().Get("Content-Language") != want || answer.Header().Get("Vary") != "Accept-Language" {
			t.Errorf("%.60q has the headers %v", header, answer.Header())
		}
	}
	request := httptest.NewRequest(http.MethodPost, "/", nil)
	request.Header["Accept-Language"] = []string{"es;q=0.5", "en;q=0.1"}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	if got := answer.Body.String(); got != "es" {
		t.Errorf("two headers get %s", got)
	}
}
