package transport

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"carehome/internal/problem"
)

// HTTP answers queries and mutations by POST and queries by GET. It takes every
// request, so that it stands last among the transports.
type HTTP struct {
	// BodyLimit is the most bytes that the body of a request may have.
	BodyLimit int
}

// methods are what Allow says.
const methods = "GET, HEAD, POST, OPTIONS"

// Supports is true: what it does not know it refuses by the rules.
func (HTTP) Supports(*http.Request) bool { return true }

// Do answers one request.
func (h HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	w.Header().Add("Vary", "Accept")
	a := answerer{w: w, r: r, exec: exec, mediaType: negotiate(r.Header.Values("Accept"))}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	case http.MethodOptions:
		w.Header().Set("Allow", methods)
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		w.Header().Set("Allow", methods)
		a.refuse(http.StatusMethodNotAllowed, problem.New(problem.Invalid, "", "ask by POST or GET"))
		return
	}
	if a.mediaType == "" {
		a.refuse(http.StatusNotAcceptable, problem.New(problem.Invalid, "",
			"an answer is application/graphql-response+json or application/json, and Accept takes neither"))
		return
	}
	params, status, err := h.read(r)
	if err != nil {
		if status == http.StatusUnsupportedMediaType {
			w.Header().Set("Accept-Post", jsonType)
			w.Header().Set("Accept-Encoding", "identity")
		}
		a.refuse(status, err)
		return
	}
	if params.Query == "" && params.Extensions["persistedQuery"] == nil {
		a.refuse(http.StatusBadRequest, problem.Invalidf("query", "must be given"))
		return
	}
	params.Headers = r.Header
	a.run(params)
}

// read reads the parameters, or tells the status of what is wrong with them.
func (h HTTP) read(r *http.Request) (*graphql.RawParams, int, error) {
	if r.Method != http.MethodPost {
		params, err := readURL(r.URL.RawQuery)
		return params, http.StatusBadRequest, err
	}
	if err := checkMediaType(r.Header); err != nil {
		return nil, http.StatusUnsupportedMediaType, err
	}
	body, status, err := h.body(r)
	if err != nil {
		return nil, status, err
	}
	params, err := ReadParams(body)
	return params, http.StatusBadRequest, err
}

// checkMediaType refuses what is not JSON in UTF-8. A compressed body is refused as
// well: a megabyte of it may be a gigabyte.
func checkMediaType(header http.Header) error {
	name, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil || name != jsonType || len(header.Values("Content-Type")) != 1 {
		return problem.New(problem.Invalid, "", "the body must be JSON, and Content-Type must say so: application/json")
	}
	if charset, ok := parameters["charset"]; ok && !isUTF8(charset) {
		return problem.New(problem.Invalid, "", "the body must be in UTF-8")
	}
	for _, encoding := range header.Values("Content-Encoding") {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return problem.New(problem.Invalid, "", "the body must not be compressed")
		}
	}
	return nil
}

// body reads the whole body, up to the limit.
func (h HTTP) body(r *http.Request) ([]byte, int, error) {
	if r.ContentLength > int64(h.BodyLimit) {
		return nil, http.StatusRequestEntityTooLarge, h.tooLong(int(r.ContentLength))
	}
	text := make([]byte, 0, max(r.ContentLength, 512)+1)
	for {
		n, err := r.Body.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case len(text) > h.BodyLimit:
			return nil, http.StatusRequestEntityTooLarge, h.tooLong(len(text))
		case errors.Is(err, io.EOF):
			return text, 0, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, http.StatusRequestTimeout, problem.New(problem.Timeout, "", "the request did not arrive in time")
		case err != nil:
			return nil, http.StatusBadRequest, problem.Invalidf("", "the request did not arrive whole")
		}
		if len(text) == cap(text) {
			text = append(text, 0)[:len(text)]
		}
	}
}

func (h HTTP) tooLong(actual int) *problem.Problem {
	return problem.Limit("", h.BodyLimit, actual, "the request may have at most %d bytes", h.BodyLimit).With("name", "body")
}

// readURL reads the parameters of a GET request.
func readURL(query string) (*graphql.RawParams, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, problem.Invalidf("", "the parameters in the address cannot be read")
	}
	members := map[string][]byte{}
	var params graphql.RawParams
	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		if len(values[name]) > 1 {
			return nil, problem.Invalidf(name, "must stand in the address once")
		}
		switch value := values.Get(name); name {
		case "query":
			params.Query = value
		case "operationName":
			params.OperationName = value
		default:
			if value == "" {
				continue
			}
			s := jsonScanner{text: []byte(value)}
			if !s.document() {
				if s.full {
					return nil, tooManyValues()
				}
				return nil, problem.Invalidf(name, "must be a JSON object")
			}
			members[name] = []byte(strings.TrimSpace(value))
		}
	}
	wrong := readMap(nil, members, "variables", &params.Variables)
	wrong = readMap(wrong, members, "extensions", &params.Extensions)
	return &params, wrong.Err()
}

// answerer answers one request.
type answerer struct {
	w         http.ResponseWriter
	r         *http.Request
	exec      graphql.GraphExecutor
	mediaType string
}

// run runs the operation that was read.
func (a answerer) run(params *graphql.RawParams) {
	ctx := a.r.Context()
	op, refused := a.exec.CreateOperationContext(ctx, params)
	if refused != nil {
		a.write(0, a.exec.DispatchError(graphql.WithOperationContext(ctx, op), refused))
		return
	}
	switch op.Operation.Operation {
	case ast.Mutation:
		if a.r.Method != http.MethodPost {
			a.w.Header().Set("Allow", http.MethodPost)
			a.refuse(http.StatusMethodNotAllowed, problem.New(problem.Invalid, "", "ask for a change by POST"))
			return
		}
	case ast.Subscription:
		a.refuse(http.StatusBadRequest, problem.New(problem.Invalid, "",
			"subscribe over a WebSocket (graphql-transport-ws) or with Accept: text/event-stream"))
		return
	}
	responses, ctx := a.exec.DispatchOperation(ctx, op)
	response := responses(ctx)
	if response == nil { // the executor answers nobody where the request has ended
		response = a.exec.DispatchError(ctx, listed(context.Cause(ctx)))
	}
	a.write(0, response)
}

// refuse answers with problems of the request itself.
func (a answerer) refuse(status int, err error) {
	a.write(status, a.exec.DispatchError(a.r.Context(), listed(err)))
}

// copied is up to which size the data of an answer are copied to be sent in one piece
// with what is around them.
const copied = 64 << 10

// write sends an answer; without a status it is told from the answer.
func (a answerer) write(status int, response *graphql.Response) {
	if status == 0 {
		status = a.status(response)
	}
	parts := [][]byte{nil}
	if len(response.Data) < copied {
		parts[0] = AppendResponse(nil, response)
	} else {
		parts = [][]byte{appendBeforeData(nil, response), response.Data, appendAfterData(nil, response)}
	}
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	header := a.w.Header()
	if a.mediaType == "" {
		a.mediaType = jsonType
	}
	header.Set("Content-Type", a.mediaType+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(size))
	if seconds, ok := wait(response); ok {
		header.Set("Retry-After", strconv.Itoa(seconds))
	}
	a.w.WriteHeader(status)
	for _, part := range parts {
		// The peer may have gone: there is nobody to tell.
		_, _ = a.w.Write(part)
	}
}

// status is 200 where anything ran. Where the request was refused, it depends: in
// JSON it is 200 unless the way is barred (to who is not known, or asked too
// often), since older clients look into nothing else.
func (a answerer) status(response *graphql.Response) int {
	if response.Data != nil || len(response.Errors) == 0 {
		return http.StatusOK
	}
	extensions := response.Errors[0].Extensions
	code, _ := extensions["code"].(string)
	if _, later := wait(response); later {
		return http.StatusTooManyRequests
	}
	if problem.Code(code) == problem.Unauthenticated {
		return http.StatusUnauthorized
	}
	if a.mediaType == jsonType {
		return http.StatusOK
	}
	switch problem.Code(code) {
	case problem.Forbidden:
		return http.StatusForbidden
	case problem.Timeout:
		return http.StatusServiceUnavailable
	case problem.StorageFull:
		return http.StatusInsufficientStorage
	case problem.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

// wait is after how many seconds a refused request may be sent again.
func wait(response *graphql.Response) (int, bool) {
	if len(response.Errors) == 0 {
		return 0, false
	}
	seconds, ok := response.Errors[0].Extensions["retryAfter"].(int)
	return seconds, ok
}
