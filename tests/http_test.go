package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The media types of answers.
const (
	plain   = "application/json"
	graphql = "application/graphql-response+json"
)

// asked is a request as it goes over the wire. Without a method it is a POST, as JSON.
type asked struct {
	method string
	query  string // of the address
	header http.Header
	body   string
}

// received is an answer as it came.
type received struct {
	status int
	header http.Header
	body   string
	answer
}

// code is the code of the first error, or empty.
func (a received) code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// tell sends a request and reads the answer, which must be JSON, of the graph's form
// and of no cache.
func (a asked) tell(t *testing.T, server string) received {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	method := a.method
	if method == "" {
		method = http.MethodPost
	}
	address := server + "/graphql"
	if a.query != "" {
		address += "?" + a.query
	}
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", plain)
	}
	maps.Copy(request.Header, a.header)
	maps.DeleteFunc(request.Header, func(_ string, values []string) bool { return len(values) == 0 })
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := received{status: response.StatusCode, header: response.Header, body: string(text)}
	if got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a cache may keep the answer: %v", got.header)
	}
	if len(text) == 0 {
		return got
	}
	if err := json.Unmarshal(text, &got.answer); err != nil {
		t.Fatalf("the answer is no JSON (%d): %.300s", got.status, text)
	}
	for _, e := range got.Errors {
		if id, _ := e.Extensions["requestId"].(string); id == "" || e.Message == "" {
			t.Errorf("an error has no requestId or no message: %s", text)
		}
	}
	vary := got.header.Values("Vary")
	for _, name := range []string{"Accept", "Accept-Language"} {
		if !slices.Contains(vary, name) {
			t.Errorf("Vary is %v, without %s", vary, name)
		}
	}
	return got
}

func accept(value string) http.Header { return http.Header{"Accept": {value}} }

const typename = `{"query":"{ __typename }"}`

func TestMediaTypeOfTheAnswer(t *testing.T) {
	server := shared.get(t)
	for _, tc := range []struct{ accept, want string }{
		{plain, plain},
		{graphql, graphql},
		{"*/*", plain},
		{"application/*", plain},
		{"", plain},
		{"text/html", ""},
		{"image/*, text/*;q=0.8", ""},
		{"application/json;q=0", ""},
		{"application/json;q=0, */*;q=0.1", graphql},
		{graphql + ";q=0, application/*", plain},
		{graphql + ", application/json;q=0.9", graphql},
		{graphql + ";q=0.8, application/json;q=0.9", plain},
		{"text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", plain},
		{graphql + ";q=0.5, */*;q=0.1", graphql},
		{"*/*;q=0.9, " + graphql, graphql},
		{"application/*;q=0.2, " + graphql + ";q=0.1", plain},
		{graphql + ", " + plain, graphql},
		{plain + ", " + graphql, plain},
		{graphql + "; charset=utf-8", graphql},
		{graphql + "; charset=UTF-8; q=0.9, " + plain + ";q=0.1", graphql},
		{graphql + "; charset=iso-8859-1", ""},
		{"APPLICATION/GRAPHQL-RESPONSE+JSON", graphql},
		{graphql + ";q=2", ""},
		{graphql + ";q=NaN", ""},
		{graphql + ";q=x, " + plain + ";q=0.3", plain},
		{"application/graphql+json, application/json, multipart/mixed", plain},
		{",, ," + graphql, graphql},
		{"nonsense", ""},
		{"*", ""},
	} {
		t.Run(tc.accept, func(t *testing.T) {
			header := accept(tc.accept)
			if tc.accept == "" {
				header = nil
			}
			got := asked{header: header, body: typename}.tell(t, server)
			mediaType, status := tc.want+"; charset=utf-8", http.StatusOK
			if tc.want == "" {
				mediaType, status = plain+"; charset=utf-8", http.StatusNotAcceptable
			}
			if got.header.Get("Content-Type") != mediaType || got.status != status {
				t.Errorf("got %d %s %s", got.status, got.header.Get("Content-Type"), got.body)
			}
		})
	}
	two := asked{header: http.Header{"Accept": {"text/html", graphql}}, body: typename}.tell(t, server)
	if two.header.Get("Content-Type") != graphql+"; charset=utf-8" {
		t.Errorf("of two Accept lines the second does not count: %v", two.header)
	}
}

func TestMethods(t *testing.T) {
	server := shared.get(t)
	const all = "GET, HEAD, POST, OPTIONS"
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, "PROPFIND"} {
		got := asked{method: method, body: typename}.tell(t, server)
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != all || got.code() != "INVALID" {
			t.Errorf("%s: got %d %v %s", method, got.status, got.header, got.body)
		}
	}
	if got := (asked{method: http.MethodOptions}).tell(t, server); got.status != http.StatusNoContent || got.header.Get("Allow") != all || got.body != "" {
		t.Errorf("OPTIONS: got %d %v %s", got.status, got.header, got.body)
	}
	query := url.Values{"query": {"{ __typename }"}}.Encode()
	if got := (asked{method: http.MethodHead, query: query}).tell(t, server); got.status != http.StatusOK || got.body != "" || got.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD: got %d %v %s", got.status, got.header, got.body)
	}
	for _, mediaType := range []string{plain, graphql} {
		got := asked{
			method: http.MethodGet, header: accept(mediaType),
			query: url.Values{"query": {`mutation { deleteResident(id: "res_1") { __typename } }`}}.Encode(),
		}.tell(t, server)
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "POST" || got.code() != "INVALID" || strings.Contains(got.body, `"data"`) {
			t.Errorf("a change by GET: got %d %v %s", got.status, got.header, got.body)
		}
	}
}

func TestGET(t *testing.T) {
	server := shared.get(t)
	for name, tc := range map[string]struct {
		query  string
		status int
		want   string
	}{
		"OK":                 {url.Values{"query": {"{ __typename }"}}.Encode(), 200, `"Query"`},
		"OKVariables":        {url.Values{"query": {`query($n: String!) { __type(name: $n) { name } }`}, "variables": {`{"n":"Resident"}`}}.Encode(), 200, `"Resident"`},
		"OKOperationName":    {url.Values{"query": {`query A { a: __typename } query B { b: __typename }`}, "operationName": {"B"}}.Encode(), 200, `"b"`},
		"OKNulls":            {url.Values{"query": {"{ __typename }"}, "variables": {"null"}, "extensions": {"null"}, "operationName": {""}}.Encode(), 200, `"Query"`},
		"OKUnknown":          {url.Values{"query": {"{ __typename }"}, "other": {"x"}}.Encode(), 200, `"Query"`},
		"ErrNoQuery":         {"", 400, `"query"`},
		"ErrEmptyQuery":      {"query=", 400, `"query"`},
		"ErrTwice":           {"query=%7B__typename%7D&query=%7B__typename%7D", 400, `"query"`},
		"ErrEscape":          {"query=%zz", 400, "address"},
		"ErrSemicolon":       {"query=%7B__typename%7D;x=1", 400, "address"},
		"ErrVariablesList":   {url.Values{"query": {"{ __typename }"}, "variables": {"[]"}}.Encode(), 400, `"variables"`},
		"ErrVariablesText":   {url.Values{"query": {"{ __typename }"}, "variables": {`"secret"`}}.Encode(), 400, `"variables"`},
		"ErrVariablesNoJSON": {url.Values{"query": {"{ __typename }"}, "variables": {"{secret"}}.Encode(), 400, `"variables"`},
		"ErrExtensionsList":  {url.Values{"query": {"{ __typename }"}, "extensions": {"[]"}}.Encode(), 400, `"extensions"`},
		"ErrExtensionsJSON":  {url.Values{"query": {"{ __typename }"}, "extensions": {"{}{}"}}.Encode(), 400, `"extensions"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := asked{method: http.MethodGet, query: tc.query, header: accept(graphql)}.tell(t, server)
			if got.status != tc.status || !strings.Contains(got.body, tc.want) || strings.Contains(got.body, "secret") {
				t.Errorf("got %d %s", got.status, got.body)
			}
			if tc.status == 400 && got.code() != "INVALID" {
				t.Errorf("the code is %s", got.code())
			}
		})
	}
}

func TestMediaTypeOfTheRequest(t *testing.T) {
	server := shared.get(t)
	for name, tc := range map[string]struct {
		header http.Header
		want   int
	}{
		"OK":             {http.Header{"Content-Type": {"application/json"}}, 200},
		"OKCharset":      {http.Header{"Content-Type": {"Application/JSON; Charset=UTF-8"}}, 200},
		"OKIdentity":     {http.Header{"Content-Encoding": {"identity"}}, 200},
		"ErrMissing":     {http.Header{"Content-Type": nil}, 415},
		"ErrEmpty":       {http.Header{"Content-Type": {""}}, 415},
		"ErrForm":        {http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, 415},
		"ErrMultipart":   {http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, 415},
		"ErrText":        {http.Header{"Content-Type": {"text/plain"}}, 415},
		"ErrGraphQL":     {http.Header{"Content-Type": {"application/graphql"}}, 415},
		"ErrAnswersType": {http.Header{"Content-Type": {graphql}}, 415},
		"ErrNonsense":    {http.Header{"Content-Type": {"json;;"}}, 415},
		"ErrTwo":         {http.Header{"Content-Type": {plain, "text/plain"}}, 415},
		"ErrCharset":     {http.Header{"Content-Type": {"application/json; charset=utf-16"}}, 415},
		"ErrLatin":       {http.Header{"Content-Type": {"application/json; charset=iso-8859-1"}}, 415},
		"ErrGzip":        {http.Header{"Content-Encoding": {"gzip"}}, 415},
		"ErrBrotli":      {http.Header{"Content-Encoding": {"br"}}, 415},
		"ErrSecond":      {http.Header{"Content-Encoding": {"identity", "gzip"}}, 415},
	} {
		t.Run(name, func(t *testing.T) {
			got := asked{header: tc.header, body: typename}.tell(t, server)
			if got.status != tc.want {
				t.Errorf("got %d %s", got.status, got.body)
			}
			if tc.want == 415 && (got.code() != "INVALID" || got.header.Get("Accept-Post") != plain || got.header.Get("Accept-Encoding") != "identity") {
				t.Errorf("got %v %s", got.header, got.body)
			}
		})
	}
}

// A body that is no request is answered with 400 and coded errors in both media
// types, and nothing of it comes back.
func TestBodiesThatCannotBeRead(t *testing.T) {
	server := shared.get(t)
	for name, tc := range map[string]struct{ body, field string }{
		"no JSON":                            {`{secret`, ""},
		"half an object":                     {`{"query":"{ __typename }"`, ""},
		"two objects":                        {`{"query":"{ __typename }"}{"secret":1}`, ""},
		"an object and more":                 {`{"query":"{ __typename }"} secret`, ""},
		"a list":                             {`["secret"]`, ""},
		"a batch":                            {`[{"query":"{ __typename }"},{"query":"{ secret }"}]`, ""},
		"a text":                             {`"secret"`, ""},
		"a number":                           {`12`, ""},
		"null":                               {`null`, ""},
		"nothing":                            {``, ""},
		"blanks":                             {" \n ", ""},
		"NaN":                                {`{"query":"{ __typename }","variables":{"x":NaN}}`, ""},
		"a comment":                          {`{"query":"{ __typename }"/*secret*/}`, ""},
		"a trailing comma":                   {`{"query":"{ __typename }",}`, ""},
		"single quotes":                      {`{'query':'{ secret }'}`, ""},
		"a control character":                {"{\"query\":\"{ __typename\n }\"}", ""},
		"a bad escape":                       {`{"query":"{ \x __typename }"}`, ""},
		"bytes that are no UTF-8":            {"{\"query\":\"{ __typename # \xff }\"}", ""},
		"UTF-16":                             {"\xff\xfe{\x00}\x00", ""},
		"no query":                           {`{"secret": 1}`, "query"},
		"another case":                       {`{"QUERY": "{ __typename }"}`, "query"},
		"an empty query":                     {`{"query": ""}`, "query"},
		"a null query":                       {`{"query": null}`, "query"},
		"a query that is a list":             {`{"query": ["secret"]}`, "query"},
		"a query that is a number":           {`{"query": 5}`, "query"},
		"variables that are a text":          {`{"query": "{ __typename }", "variables": "secret"}`, "variables"},
		"variables that are a list":          {`{"query": "{ __typename }", "variables": ["secret"]}`, "variables"},
		"an operationName that is an object": {`{"query": "{ __typename }", "operationName": {"secret":1}}`, "operationName"},
		"extensions that are a text":         {`{"query": "{ __typename }", "extensions": "secret"}`, "extensions"},
		"two queries":                        {`{"query": "{ __typename }", "query": "{ secret }"}`, ""},
		"two queries, one hidden":            {`{"query": "{ __typename }", "\u0071uery": "{ secret }"}`, ""},
		"two variables":                      {`{"query": "{ __typename }", "variables": {"secret":1}, "variables": {}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, mediaType := range []string{plain, graphql} {
				got := asked{body: tc.body, header: accept(mediaType)}.tell(t, server)
				if got.status != http.StatusBadRequest || len(got.Errors) != 1 || got.code() != "INVALID" {
					t.Fatalf("got %d %s", got.status, got.body)
				}
				if field, _ := got.Errors[0].Extensions["field"].(string); field != tc.field {
					t.Errorf("the field is %q: %s", field, got.body)
				}
				if strings.Contains(got.body, "secret") || strings.Contains(got.body, `"data"`) {
					t.Errorf("the body came back, or there is data: %s", got.body)
				}
			}
		})
	}
	several := asked{body: `{"query": 1, "variables": 2, "operationName": 3, "extensions": 4}`}.tell(t, server)
	if several.status != http.StatusBadRequest || len(several.Errors) != 4 {
		t.Errorf("not all is told at once: %d %s", several.status, several.body)
	}
}

// What can be read is 200 in JSON, for clients that look into nothing else; in the
// graph's own media type it is 400 where nothing ran.
func TestStatus(t *testing.T) {
	server := shared.get(t)
	for name, tc := range map[string]struct {
		body  string
		field string
		ran   bool
	}{
		"OK":                 {typename, "", true},
		"OKByteOrderMark":    {"\xef\xbb\xbf" + typename, "", true},
		"OKUnknownMember":    {`{"query":"{ __typename }","id":7,"else":{"query":2}}`, "", true},
		"OKEmptyName":        {`{"query":"query A { __typename }","operationName":""}`, "", true},
		"OKNulls":            {`{"query":"{ __typename }","variables":null,"operationName":null,"extensions":null}`, "", true},
		"OKEmptyPage":        {`{"query":"{ residents(first: 0) { edges { cursor } } }"}`, "", true},
		"ErrField":           {`{"query":"{ resident(id: \"wel_1\") { id } }"}`, "id", true},
		"ErrSyntax":          {`{"query":"{"}`, "", false},
		"ErrNoOperation":     {`{"query":"fragment F on Query { __typename }"}`, "query", false},
		"ErrOnlyComment":     {`{"query":"# nothing"}`, "query", false},
		"ErrTypeDefinition":  {`{"query":"type A { a: Int }"}`, "", false},
		"ErrValidation":      {`{"query":"{ nothing }"}`, "", false},
		"ErrVariable":        {`{"query":"query($id: ID!) { node(id: $id) { id } }","variables":{"id":null}}`, "id", false},
		"ErrMissingVariable": {`{"query":"query($id: ID!) { node(id: $id) { id } }"}`, "id", false},
		"ErrValue":           {`{"query":"{ residents(where: {birthDateGT: \"x\"}) { totalCount } }"}`, "where.birthDateGT", false},
		"ErrOperationName":   {`{"query":"query A { __typename }","operationName":"secret"}`, "operationName", false},
		"ErrNoName":          {`{"query":"query A { __typename } query B { __typename }"}`, "operationName", false},
		"ErrTwoAnonymous":    {`{"query":"{ __typename } { __typename }"}`, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, mediaType := range []string{plain, graphql} {
				got := asked{body: tc.body, header: accept(mediaType)}.tell(t, server)
				want := http.StatusOK
				if !tc.ran && mediaType == graphql {
					want = http.StatusBadRequest
				}
				if got.status != want || strings.Contains(got.body, `"data"`) != tc.ran || strings.Contains(got.body, "secret") {
					t.Errorf("%s: got %d %s", mediaType, got.status, got.body)
				}
				if strings.HasPrefix(name, "OK") {
					if len(got.Errors) > 0 {
						t.Errorf("got %s", got.body)
					}
					continue
				}
				if got.code() != "INVALID" {
					t.Fatalf("the code is %s: %s", got.code(), got.body)
				}
				if field, _ := got.Errors[0].Extensions["field"].(string); field != tc.field {
					t.Errorf("the field is %q: %s", field, got.body)
				}
			}
		})
	}
}

// A body of the limit is read, one byte more is not, whether its length is said
// before or not.
func TestBodyLimit(t *testing.T) {
	server := shared.get(t)
	const limit = 1 << 20
	for _, size := range []int{limit, limit + 1} {
		body := []byte(typename + strings.Repeat(" ", size-len(typename)))
		for name, reader := range map[string]io.Reader{"said": bytes.NewReader(body), "not said": io.MultiReader(bytes.NewReader(body))} {
			request, err := http.NewRequest(http.MethodPost, server+"/graphql", reader)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", plain)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var got answer
			if err := json.NewDecoder(response.Body).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if size <= limit {
				if response.StatusCode != http.StatusOK || len(got.Errors) > 0 {
					t.Errorf("%d bytes, %s: got %d %v", size, name, response.StatusCode, got.Errors)
				}
				continue
			}
			if response.StatusCode != http.StatusRequestEntityTooLarge || len(got.Errors) != 1 {
				t.Fatalf("%d bytes, %s: got %d %v", size, name, response.StatusCode, got.Errors)
			}
			said := got.Errors[0].Extensions
			if said["code"] != "LIMIT_EXCEEDED" || said["name"] != "body" || said["limit"] != float64(limit) || said["actual"].(float64) <= limit {
				t.Errorf("%d bytes, %s: got %v", size, name, said)
			}
		}
	}
}

// Variables of too many values, or too deep, are refused before anything is made of
// them.
func TestVariablesLimit(t *testing.T) {
	server := shared.get(t)
	for name, tc := range map[string]struct {
		value string
		ok    bool
	}{
		"OKDeep":         {strings.Repeat("[", 240) + strings.Repeat("]", 240), true},
		"OKWide":         {"[" + strings.Repeat("0,", 9_900) + "0]", true},
		"ErrDeep":        {strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), false},
		"ErrDeepObjects": {strings.Repeat(`{"a":`, 50_000) + "1" + strings.Repeat("}", 50_000), false},
		"ErrWide":        {"[" + strings.Repeat("0,", 400_000) + "0]", false},
	} {
		t.Run(name, func(t *testing.T) {
			got := asked{body: `{"query":"{ __typename }","variables":{"x":` + tc.value + `}}`}.tell(t, server)
			if tc.ok {
				if got.status != http.StatusOK || len(got.Errors) > 0 {
					t.Errorf("got %d %.300s", got.status, got.body)
				}
				return
			}
			if got.status != http.StatusBadRequest || got.code() != "LIMIT_EXCEEDED" || len(got.body) > 1000 {
				t.Errorf("got %d %.300s", got.status, got.body)
			}
		})
	}
}
