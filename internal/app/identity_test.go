package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"carehome/internal/auth/idp"
	"carehome/internal/config"
	"carehome/internal/secret"
)

// run runs a command that ends by itself, and returns what it writes.
func run(t *testing.T, args ...string) string {
	t.Helper()
	cfg, err := config.Parse(args, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, log := new(lines), new(lines)
	if err := (Program{Stdout: out, Stderr: log}).Run(context.Background(), cfg); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, log)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// newKey makes a key of a new person of the role.
func newKey(t *testing.T, database, role string, more ...string) string {
	t.Helper()
	email := strings.ToLower(role) + "@example.org"
	run(t, "user", "create", role, email, role, "--database", database)
	return run(t, append([]string{"key", "create", "--user", email, "--database", database}, more...)...)
}

// as asks the graph with an Authorization header.
func (r *running) as(authorization, query string) (status int, header http.Header, answer string) {
	r.t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		r.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, r.url+graphPath, strings.NewReader(string(body)))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	return send(r.t, request)
}

// untilStatus asks until the status is as wanted.
func (r *running) untilStatus(want int, authorization string) {
	r.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		status, _, answer := r.as(authorization, `{ __typename }`)
		if status == want {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("still %d %s, want %d", status, answer, want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

var requestIDs = regexp.MustCompile(`"requestId":"[^"]*"`)

const residentCount = `{ residents { totalCount } }`

func TestKeysAreAsked(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	r := start(t, Program{}, "--database", database)
	if status, _, answer := r.as("", residentCount); status != 200 || !strings.Contains(answer, `"totalCount":0`) {
		t.Fatalf("in development mode: %d %s", status, answer)
	}
	// The first key, made by another process, ends development mode.
	key := run(t, "key", "create", "--database", database)
	r.untilStatus(401, "")
	if n := len(r.log.find(t, "development mode is over: there is a key now, and everybody has to present one")); n != 1 {
		t.Errorf("said %d times: %s", n, r.log)
	}
	if status, _, answer := r.as("Bearer "+key, residentCount); status != 200 || !strings.Contains(answer, `"totalCount":0`) {
		t.Errorf("with the key: %d %s", status, answer)
	}
	want := ""
	for _, bad := range []string{"Bearer " + secret.New().Reveal(), "Bearer " + key[:len(key)-1], "Bearer nonsense", "Basic YTpi", key, "Bearer a.b.c"} {
		status, header, answer := r.as(bad, residentCount)
		answer = requestIDs.ReplaceAllString(answer, "")
		if want == "" {
			want = answer
		}
		if status != 401 || answer != want || !strings.Contains(answer, `"code":"UNAUTHENTICATED"`) ||
			header.Get("WWW-Authenticate") != `Bearer realm="carehome", error="invalid_token"` || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%.30s: %d %v %s", bad, status, header, answer)
		}
	}
	status, header, answer := r.as("", `{ __schema { types { name } } }`)
	if status != 401 || header.Get("WWW-Authenticate") != `Bearer realm="carehome"` || !strings.Contains(answer, `"UNAUTHENTICATED"`) {
		t.Errorf("without a key: %d %v %s", status, header, answer)
	}
	request, err := http.NewRequest(http.MethodGet, r.url+graphPath+"?query=%7B__typename%7D", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Language", "es")
	if status, _, answer := send(t, request); status != 401 || !strings.Contains(answer, "hay que identificarse") {
		t.Errorf("in Spanish: %d %s", status, answer)
	}
	for _, path := range []string{"/", "/livez", "/readyz"} {
		if status, _, _ := r.get(path); status != 200 {
			t.Errorf("%s is %d", path, status)
		}
	}
	r.end()
	r = start(t, Program{}, "--database", database)
	if status, _, _ := r.as("", residentCount); status != 401 || strings.Contains(r.log.String(), "development mode") {
		t.Errorf("after a restart: %d\n%s", status, r.log)
	}
	// Revoked beside the server.
	run(t, "key", "revoke", "key_1", "--database", database)
	r.untilStatus(401, "Bearer "+key)
}

// TestKeyByTheGraph: the first key that the graph makes counts from the next
// request on, and its secret is told once.
func TestKeyByTheGraph(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"))
	_, _, answer := r.as("", `mutation { createApiKey(input: {name: "Tablet", staffUserID: "stf_1"}) { secret apiKey { id name prefix scope lastUsedAt staffUser { id } } } }`)
	var made struct {
		Data struct {
			CreateAPIKey struct {
				Secret string
				APIKey struct{ ID, Prefix string }
			} `json:"createApiKey"`
		}
	}
	if err := json.Unmarshal([]byte(answer), &made); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	key := made.Data.CreateAPIKey.Secret
	if parsed, ok := secret.Parse(key); !ok || parsed.Prefix() != made.Data.CreateAPIKey.APIKey.Prefix {
		t.Fatalf("got %s", answer)
	}
	if status, _, _ := r.as("", residentCount); status != 401 {
		t.Errorf("without a key: %d", status)
	}
	status, _, answer := r.as("Bearer "+key, `{ apiKeys { edges { node { id prefix name staffUser { apiKeys { totalCount } } } } } }`)
	if status != 200 || strings.Contains(answer, key[20:]) || !strings.Contains(answer, made.Data.CreateAPIKey.APIKey.Prefix) {
		t.Errorf("the keys: %d %s", status, answer)
	}
	// What is done with a key is on record as done with it.
	_, _, answer = r.as("Bearer "+key, `mutation { updateFacility(id: "fac_1", input: {name: "Elm House"}) { facility { id } } }`)
	if !strings.Contains(answer, `"fac_1"`) {
		t.Fatalf("got %s", answer)
	}
	_, _, answer = r.as("Bearer "+key, `{ auditEvents(where: {entityID: "fac_1", action: UPDATE}) { edges { node { keyID actor { id } } } } }`)
	if !strings.Contains(answer, `{"node":{"keyID":"key_1","actor":{"id":"stf_1"}}}`) {
		t.Errorf("on record: %s", answer)
	}
	_, _, answer = r.as("Bearer "+key, `mutation { revokeApiKey(id: "key_1", input: {reason: "lost"}) { apiKey { id revokedAt } } }`)
	if !strings.Contains(answer, `"revokedAt":"2`) {
		t.Errorf("revoked: %s", answer)
	}
	if status, _, _ := r.as("Bearer "+key, residentCount); status != 401 {
		t.Errorf("the next request: %d", status)
	}
}

func TestScopesAndRoles(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	reader := run(t, "key", "create", "--read-only", "--database", database)
	carer := newKey(t, database, "CARER")
	sysadmin := newKey(t, database, "SYSADMIN")
	r := start(t, Program{}, "--database", database)
	const keyMutation = `mutation { createApiKey(input: {name: "Mine", staffUserID: "stf_1"}) { secret } }`
	for name, tc := range map[string]struct{ key, query, want string }{
		"ReaderReads":         {reader, residentCount, `"totalCount":0`},
		"ReaderAsksKeys":      {reader, `{ apiKeys { totalCount } }`, `"totalCount":3`},
		"ErrReaderChanges":    {reader, newResident, `"FORBIDDEN"`},
		"ErrReaderMakesKey":   {reader, keyMutation, `"FORBIDDEN"`},
		"ErrCarerMakesKey":    {carer, keyMutation, `"FORBIDDEN"`},
		"CarerSeesNoKeys":     {carer, `{ apiKeys { totalCount } }`, `"totalCount":0`},
		"ErrSysadminForAdmin": {sysadmin, keyMutation, `"FORBIDDEN"`},
		"ErrSysadminRole":     {sysadmin, `mutation { updateStaffUser(id: "stf_3", input: {role: ADMIN}) { staffUser { id } } }`, `"FORBIDDEN"`},
		"SysadminSeesNobody":  {sysadmin, residentCount, `"totalCount":0`},
	} {
		t.Run(name, func(t *testing.T) {
			status, _, answer := r.as("Bearer "+tc.key, tc.query)
			if status != 200 || !strings.Contains(answer, tc.want) || strings.Contains(answer, `"secret":"`) {
				t.Errorf("got %d %s", status, answer)
			}
		})
	}
}

func TestAdminKeyFile(t *testing.T) {
	folder := t.TempDir()
	database, file := filepath.Join(folder, "home.db"), filepath.Join(folder, "admin.key")
	r := start(t, Program{}, "--database", database, "--admin-key-file", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	key := strings.TrimSpace(string(text))
	for _, authorization := range []string{"", "Bearer x"} {
		if status, _, _ := r.as(authorization, residentCount); status != 401 {
			t.Errorf("%q gets %d", authorization, status)
		}
	}
	_, _, answer := r.as("Bearer "+key, `{ apiKeys { edges { node { name staffUser { role } } } } }`)
	if !strings.Contains(answer, `{"name":"Made at the first start","staffUser":{"role":"ADMIN"}}`) {
		t.Errorf("got %s", answer)
	}
	if strings.Contains(r.log.String(), key[20:]) {
		t.Errorf("the log has the key: %s", r.log)
	}
	r.end()
	r = start(t, Program{}, "--database", database, "--admin-key-file", file)
	if again, err := os.ReadFile(file); err != nil || string(again) != string(text) {
		t.Errorf("another start changed the key: %v", err)
	}
	if status, _, answer := r.as("Bearer "+key, `{ apiKeys { totalCount } }`); status != 200 || !strings.Contains(answer, `"totalCount":1`) {
		t.Errorf("after a restart: %d %s", status, answer)
	}
	// A key that is there, say of a secret store, is taken in.
	other := filepath.Join(folder, "other.db")
	r = start(t, Program{}, "--database", other, "--admin-key-file", file)
	if status, _, _ := r.as("Bearer "+key, residentCount); status != 200 {
		t.Errorf("in another home: %d", status)
	}
}

func TestTooManyTries(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	key := run(t, "key", "create", "--database", database)
	r := start(t, Program{}, "--database", database, "--trusted-proxies", "127.0.0.0/8")
	if status, _, _ := r.as("Bearer "+key, residentCount); status != 200 {
		t.Fatalf("got %d", status)
	}
	try := func(from string) (int, http.Header, string) {
		request, err := http.NewRequest(http.MethodGet, r.url+graphPath+"?query=%7B__typename%7D", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+secret.New().Reveal())
		request.Header.Set("X-Forwarded-For", from)
		return send(t, request)
	}
	blocked := false
	for range 130 { // the wait of a second may pass in between; the next is longer
		status, header, answer := try("203.0.113.5, 198.51.100.7")
		if status == 429 {
			blocked = true
			if header.Get("Retry-After") == "" || header.Get("Retry-After") == "0" || !strings.Contains(answer, `"LIMIT_EXCEEDED"`) {
				t.Errorf("got %v %s", header, answer)
			}
		} else if status != 401 {
			t.Fatalf("got %d %s", status, answer)
		}
	}
	if !blocked {
		t.Error("nobody is made to wait")
	}
	if status, _, _ := try("198.51.100.8"); status != 401 {
		t.Errorf("another address gets %d", status)
	}
	if status, _, _ := r.as("Bearer "+key, residentCount); status != 200 {
		t.Errorf("who is known gets %d", status)
	}
}

// TestStreamsEnd: a stream of events ends when its key does, and says why.
func TestStreamsEnd(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	key := run(t, "key", "create", "--database", database)
	r := start(t, Program{}, "--database", database)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ask := func(authorization string) *http.Response {
		t.Helper()
		body := strings.NewReader(`{"query":"subscription { wellnessRecorded { eventID } }"}`)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+graphPath, body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/event-stream")
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	if nobody := ask("Bearer " + secret.New().Reveal()); nobody.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody gets %d", nobody.StatusCode)
	}
	stream := ask("Bearer " + key)
	if stream.StatusCode != http.StatusOK {
		t.Fatalf("got %d", stream.StatusCode)
	}
	run(t, "key", "revoke", "key_1", "--database", database)
	told, err := io.ReadAll(stream.Body)
	if err != nil || !strings.Contains(string(told), `"UNAUTHENTICATED"`) || !strings.HasSuffix(string(told), "event: complete\ndata:\n\n") {
		t.Errorf("the stream of a revoked key ends with %q, %v", told, err)
	}
}

// TestSocketsEnd: a socket says who it is in its first message, and ends when its
// key does.
func TestSocketsEnd(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	key := run(t, "key", "create", "--database", database)
	other := newKey(t, database, "CARER")
	r := start(t, Program{}, "--database", database)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	join := func(header http.Header, init string) (conn *websocket.Conn, answer string, err error) {
		t.Helper()
		conn, _, err = websocket.Dial(ctx, r.url+graphPath, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: header}) //nolint:bodyclose // it is taken over
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Write(ctx, websocket.MessageText, []byte(init)); err != nil {
			t.Fatal(err)
		}
		_, text, err := conn.Read(ctx)
		return conn, string(text), err
	}
	header := http.Header{"Authorization": {"Bearer " + key}}
	for name, tc := range map[string]struct {
		header http.Header
		init   string
		want   string
	}{
		"Payload":          {nil, `{"type":"connection_init","payload":{"Authorization":"Bearer ` + key + `"}}`, `{"type":"connection_ack"}`},
		"Header":           {header, `{"type":"connection_init"}`, `{"type":"connection_ack"}`},
		"ErrNobody":        {nil, `{"type":"connection_init"}`, ""},
		"ErrWrong":         {nil, `{"type":"connection_init","payload":{"Authorization":"Bearer ` + secret.New().Reveal() + `"}}`, ""},
		"ErrHeaderOverdue": {header, `{"type":"connection_init","payload":{"Authorization":"Bearer nonsense"}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			conn, answer, err := join(tc.header, tc.init)
			defer func() { _ = conn.CloseNow() }() // closed by the server, or in order
			if answer != tc.want || (tc.want == "") != (websocket.CloseStatus(err) == 4403) {
				t.Errorf("got %q, %v", answer, err)
			}
		})
	}
	conn, _, err := join(nil, `{"type":"connection_init","payload":{"Authorization":"Bearer `+key+`"}}`)
	if err != nil {
		t.Fatal(err)
	}
	stays, _, err := join(nil, `{"type":"connection_init","payload":{"Authorization":"Bearer `+other+`"}}`)
	if err != nil {
		t.Fatal(err)
	}
	run(t, "key", "revoke", "key_1", "--database", database)
	if _, text, err := conn.Read(ctx); websocket.CloseStatus(err) != 4403 {
		t.Errorf("the socket of a revoked key got %q, %v", text, err)
	}
	if err := stays.Write(ctx, websocket.MessageText, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	if _, text, err := stays.Read(ctx); err != nil || string(text) != `{"type":"pong"}` {
		t.Errorf("the socket of another got %q, %v", text, err)
	}
	if err := stays.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
}

func TestProvider(t *testing.T) {
	provider := idp.Start(t)
	database := filepath.Join(t.TempDir(), "home.db")
	run(t, "user", "create", "Ana", "ana@example.org", "CARER", "--subject", "ana", "--database", database)
	token := func(claims map[string]any) string {
		said := map[string]any{"aud": "home", "sub": "ana", "exp": time.Now().Add(time.Hour).Unix()}
		for name, value := range claims {
			said[name] = value
		}
		return "Bearer " + provider.Token(idp.Order{Claims: said})
	}
	const who = `{ residents { totalCount } staffUsers(where: {email: "ana@example.org"}) { edges { node { role } } } }`
	r := start(t, Program{}, "--database", database, "--oidc-issuer", provider.URL, "--oidc-audience", "home")
	if strings.Contains(r.log.String(), "development mode") {
		t.Errorf("the log is %s", r.log)
	}
	for name, tc := range map[string]struct {
		authorization string
		want          int
	}{
		"OK": {token(nil), 200}, "ErrNobody": {"", 401}, "ErrExpired": {token(map[string]any{"exp": 1}), 401}, "ErrStranger": {token(map[string]any{"sub": "eva"}), 401},
	} {
		if status, _, answer := r.as(tc.authorization, residentCount); status != tc.want {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if _, _, answer := r.as(token(nil), `mutation { updateFacility(id: "fac_1", input: {name: "Ana's"}) { facility { id } } }`); !strings.Contains(answer, `"FORBIDDEN"`) {
		t.Errorf("a carer names the home: %s", answer)
	}
	r.end()
	r = start(t, Program{}, "--database", database, "--oidc-issuer", provider.URL, "--oidc-audience", "home", "--oidc-role-claim", "groups", "--oidc-roles", "heads=ADMIN")
	if status, _, answer := r.as(token(map[string]any{"groups": []string{"staff", "heads"}}), who); status != 200 || !strings.Contains(answer, `"role":"CARER"`) {
		t.Errorf("by its claim: %d %s", status, answer)
	}
	if status, _, _ := r.as(token(nil), who); status != 401 {
		t.Errorf("without the claim: %d", status)
	}
	run(t, "user", "deactivate", "ana@example.org", "--database", database)
	r.untilStatus(401, token(map[string]any{"groups": "heads"}))
}

// TestSecretsStayInside: neither a key, nor a token, nor a resident's name comes
// up in the log at any level, in the figures or in the traces.
func TestSecretsStayInside(t *testing.T) {
	const name = "Xilonenovska"
	traces := new(collector)
	to := httptest.NewServer(traces)
	defer to.Close()
	provider := idp.Start(t)
	folder := t.TempDir()
	database, file := filepath.Join(folder, "home.db"), filepath.Join(folder, "admin.key")
	p := Program{Getenv: func(variable string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": to.URL}[variable]
	}}
	r := start(t, p, "--database", database, "--admin-key-file", file, "--metrics-listen", "127.0.0.1:0", "--log-level", "debug",
		"--oidc-issuer", provider.URL, "--oidc-audience", "home")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	admin := strings.TrimSpace(string(text))
	run(t, "user", "create", "Ana", "ana@example.org", "CARER", "--subject", "ana", "--database", database)
	claims := func(subject string) map[string]any {
		return map[string]any{"aud": "home", "sub": subject, "exp": time.Now().Add(time.Hour).Unix()}
	}
	token, stranger := provider.Token(idp.Order{Claims: claims("ana")}), provider.Token(idp.Order{Claims: claims("eva")})
	wrong := secret.New().Reveal()
	_, _, answer := r.as("Bearer "+admin, `mutation Make { createApiKey(input: {name: "Tablet", staffUserID: "stf_2"}) { secret } }`)
	var made struct {
		Data struct {
			CreateAPIKey struct{ Secret string } `json:"createApiKey"`
		}
	}
	if err := json.Unmarshal([]byte(answer), &made); err != nil || made.Data.CreateAPIKey.Secret == "" {
		t.Fatalf("%v: %s", err, answer)
	}
	secrets := []string{admin, token, stranger, wrong, made.Data.CreateAPIKey.Secret}
	if _, _, answer := r.as("Bearer "+admin, `mutation Admit { createResident(input: {givenName: "`+name+`", familyName: "`+name+`", birthDate: "1939-05-17", sex: FEMALE}) { resident { id } } }`); !strings.Contains(answer, `"res_1"`) {
		t.Fatalf("got %s", answer)
	}
	for i, credential := range secrets {
		r.as("Bearer "+credential, `query Find { residents(where: {familyName: "`+name+`"}) { edges { node { fullName } } } }`)
		r.as("Basic "+credential, residentCount)
		r.as(credential, residentCount)
		r.get(graphPath + "?query={residents{totalCount}}&key=" + credential)
		r.get("/" + credential)
		r.get("/?access_token=" + credential)
		// In places where no credential belongs.
		r.as("Bearer "+admin, `{ residents(where: {familyName: "`+credential+`"}) { totalCount } }`)
		r.as("Bearer "+admin, `mutation { revokeApiKey(id: "`+credential+`") { apiKey { id } } }`)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		conn, _, err := websocket.Dial(ctx, r.url+graphPath, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}}) //nolint:bodyclose // it is taken over
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Write(ctx, websocket.MessageText, []byte(`{"type":"connection_init","payload":{"Authorization":"`+credential+`"}}`)); err != nil {
			t.Fatal(err)
		}
		_, _, err = conn.Read(ctx)
		if good := i == 0 || i == 1 || i == 4; good != (err == nil) {
			t.Errorf("socket %d: %v", i, err)
		}
		_ = conn.CloseNow() // closed by the server, or enough of it
		cancel()
	}
	told := r.log.find(t, "telling figures")
	request, err := http.NewRequest(http.MethodGet, told[0]["url"].(string), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, figures := send(t, request)
	r.end() // sends the last traces
	shown := map[string]string{"log": r.log.String(), "figures": figures, "traces": traces.text.String(), "output": r.out.String()}
	for where, what := range shown {
		if where != "output" && len(what) < 1000 {
			t.Errorf("nothing was looked through: the %s is %q", where, what)
		}
		for i, credential := range secrets {
			// What follows a key's prefix, and a token's claims and signature.
			for _, part := range []string{credential[20:60], credential[len(credential)-30:]} {
				if strings.Contains(what, part) {
					t.Errorf("the %s has secret %d: %s", where, i, around(what, part))
				}
			}
		}
		if strings.Contains(what, name) {
			t.Errorf("the %s has the name: %s", where, around(what, name))
		}
	}
	// The database, its log and its copies hold no key either.
	run(t, "backup", "--database", database, "--backups", folder)
	files, err := filepath.Glob(filepath.Join(folder, "*.db*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("the files are %v, %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, credential := range secrets {
			if strings.Contains(string(content), credential[20:60]) && i != 3 { // that one was looked for as a name
				t.Errorf("%s has secret %d", file, i)
			}
		}
	}
}

// around is where a text stands.
func around(text, part string) string {
	i := strings.Index(text, part)
	return text[max(0, i-200):min(len(text), i+len(part)+100)]
}

func TestOtherSites(t *testing.T) {
	database := filepath.Join(t.TempDir(), "home.db")
	key := run(t, "key", "create", "--database", database)
	r := start(t, Program{}, "--database", database, "--allow-origin", "https://app.example.org,http://localhost:3000")
	ask := func(method, origin string, more http.Header) (int, http.Header) {
		t.Helper()
		var body io.Reader
		if method == http.MethodPost {
			body = strings.NewReader(`{"query":"{__typename}"}`)
		}
		request, err := http.NewRequest(method, r.url+graphPath, body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+key)
		if method == http.MethodOptions {
			request.Header.Del("Authorization")
			request.Header.Set("Access-Control-Request-Method", "POST")
			request.Header.Set("Access-Control-Request-Headers", "authorization,content-type")
		}
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		for name, values := range more {
			request.Header[name] = values
		}
		status, header, _ := send(t, request)
		return status, header
	}
	for origin, allowed := range map[string]bool{
		"https://app.example.org": true, "http://localhost:3000": true,
		"https://evil.example": false, "null": false, "http://app.example.org": false, "https://app.example.org:8443": false,
		"https://sub.app.example.org": false, "https://app.example.org.evil.example": false, "https://evilapp.example.org": false,
		"https://app.example.org@evil.example": false, "https://app.example.orgevil": false, "https://APP.example.org": false, "*": false,
		"http://localhost:3001": false, "file://": false,
	} {
		status, header := ask(http.MethodOptions, origin, nil)
		want := 403
		if allowed {
			want = 204
		}
		if status != want || (header.Get("Access-Control-Allow-Origin") == origin) != allowed || header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("preflight of %s: %d %v", origin, status, header)
		}
		if allowed && (header.Get("Access-Control-Allow-Methods") != "GET, POST" || !strings.Contains(header.Get("Access-Control-Allow-Headers"), "Authorization")) {
			t.Errorf("preflight of %s: %v", origin, header)
		}
		if vary := strings.Join(header.Values("Vary"), ", "); !strings.Contains(vary, "Origin") {
			t.Errorf("%s: Vary is %q", origin, vary)
		}
		status, header = ask(http.MethodPost, origin, nil)
		want = 403
		if allowed {
			want = 200
		}
		if status != want || (header.Get("Access-Control-Allow-Origin") == origin) != allowed {
			t.Errorf("POST of %s: %d %v", origin, status, header)
		}
		_, _, err := websocketFrom(t, r.url, origin)
		if (err == nil) != allowed && !strings.EqualFold(origin, "https://app.example.org") {
			t.Errorf("a socket of %s: %v", origin, err)
		}
	}
	// A program has no origin, the server's own page its own.
	for _, origin := range []string{"", r.url} {
		if status, header := ask(http.MethodPost, origin, nil); status != 200 || header.Get("Access-Control-Allow-Origin") != "" || !strings.Contains(strings.Join(header.Values("Vary"), ","), "Origin") {
			t.Errorf("%q: %d %v", origin, status, header)
		}
	}
	// The name of a listed site may be that of a proxy on this machine.
	for host, want := range map[string]int{"app.example.org": 200, "evil.example": 421} {
		request, err := http.NewRequest(http.MethodGet, r.url+"/livez", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		if status, _, _ := send(t, request); status != want {
			t.Errorf("Host %s: %d", host, status)
		}
	}
}

func websocketFrom(t *testing.T, url, origin string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, response, err := websocket.Dial(ctx, url+graphPath, &websocket.DialOptions{
		Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Origin": {origin}},
	})
	if err == nil {
		_ = conn.CloseNow() // it was opened, which is all
	}
	return conn, response, err
}

// TestGone: who goes away before the answer leaves no trace of trouble, whether the
// key was to be looked for or the question to be run.
func TestGone(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"))
	for i := range 400 {
		ctx, cancel := context.WithCancel(context.Background())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+graphPath+"?query=%7B__typename%7D", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Duration(i) * 5 * time.Microsecond) // a moment like another
			cancel()
		}()
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_ = response.Body.Close() // it may have been cut
		}
		cancel()
	}
	r.end()
	if log := r.log.String(); strings.Contains(log, `"level":"ERROR"`) || strings.Contains(log, `"status":500`) {
		t.Errorf("the log has trouble: %s", around(log, `"level":"ERROR"`))
	}
}

// TestHeadersEverywhere: every route has the headers that keep browsers in line.
func TestHeadersEverywhere(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"))
	for _, path := range []string{"/", "/livez", "/readyz", "/graphql", "/graphql?query={__typename}", "/nothing", "/playground/nothing", "/playground/"} {
		status, header, _ := r.get(path)
		csp := header.Get("Content-Security-Policy")
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(csp, "frame-ancestors 'none'") ||
			!strings.Contains(csp, "default-src 'none'") && !strings.Contains(csp, "default-src 'self'") ||
			header.Get("Cache-Control") == "" || header.Get("Cross-Origin-Resource-Policy") != "same-origin" || header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s (%d): %v", path, status, header)
		}
		if regexp.MustCompile(`https?://|\*`).MatchString(csp) {
			t.Errorf("%s takes things from outside: %s", path, csp)
		}
		if strings.HasPrefix(path, "/graphql") && header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %s", path, fmt.Sprint(header))
		}
	}
}
