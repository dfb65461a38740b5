package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"carehome/internal/web"
)

// TestPlayground tries the page as a newcomer would, in a real browser against
// a real server. With CAREHOME_SCREENSHOTS naming a folder it leaves pictures
// there; the README's is one of them.
func TestPlayground(t *testing.T) {
	b := browse(t)
	server := demo(t)

	b.do("the first example is there on the first visit",
		chromedp.Navigate(server),
		b.shows(".graphiql-query-editor", "query HomeToday"),
		b.shows(".examples", "Find a resident by name"),
		b.shows(".graphiql-tabs", "HomeToday"))
	b.picture("playground-empty")

	b.do("it runs by clicking",
		chromedp.Click(".graphiql-execute-button"),
		b.shows(".graphiql-response", `"fullName":`))
	b.picture("playground")

	b.do("a box for headers is open, and what is in it is sent",
		b.shows(".graphiql-editor-tool", "Authorization"),
		chromedp.Click(".graphiql-editor-tool .graphiql-editor:not(.hidden)"),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		insert(`{ "X-Request-Id": "fromtheheaderbox" } // a comment`),
		chromedp.Click(".graphiql-execute-button"),
		b.sends("X-Request-Id", "fromtheheaderbox"))

	b.do("an example from the menu brings its variables along",
		chromedp.Click(`[data-example="030-find-resident"]`),
		b.shows(".graphiql-query-editor", "query FindResident"),
		b.shows(".graphiql-editor-tool .graphiql-editor:not(.hidden)", `"munoz"`),
		chromedp.Click(".graphiql-execute-button"),
		b.shows(".graphiql-response", "Muñoz"))

	b.do("what somebody has typed is checked, and keeps its tab",
		chromedp.Click(".graphiql-query-editor .graphiql-editor"),
		chromedp.KeyEvent(kb.End, chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		insert("\nfragment Mine on Nothing { id }\n"),
		chromedp.WaitReady(".graphiql-query-editor .squiggly-error"),
		chromedp.Click(`[data-example="020-home-in-numbers"]`),
		b.shows(".graphiql-query-editor", "query HomeInNumbers"),
		b.shows(".graphiql-tabs", "FindResident"))

	b.do("the documentation shows types and what they mean",
		chromedp.Click(`[aria-label="Show Documentation Explorer"]`),
		b.shows(".graphiql-doc-explorer", "Root Types"),
		chromedp.Click(".graphiql-doc-explorer a"),
		b.shows(".graphiql-doc-explorer", "residents"))
	b.picture("playground-docs")

	b.do("the explorer lists the fields",
		chromedp.Click(`[aria-label="Show GraphiQL Explorer"]`),
		b.shows(".graphiql-plugin", "activityParticipations"))

	b.do("the history lists what was run",
		chromedp.Click(`[aria-label="Show History"]`),
		b.shows(".graphiql-history", "FindResident"))
	kept, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("JSON.stringify(localStorage)"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(kept, "FindResident") || strings.Contains(kept, "fromtheheaderbox") {
		t.Errorf("the browser must keep the history, and no header; it keeps %s", kept)
	}

	b.do("a subscription shows what happens as it happens",
		chromedp.Click(`[aria-label="Show Examples"]`),
		chromedp.Click(`[data-example="410-follow-checks"]`),
		b.shows(".graphiql-query-editor", "subscription FollowChecks"),
		chromedp.Click(".graphiql-execute-button"),
		b.meanwhile(".graphiql-response", `"mood": 5`, func() {
			send(t, server, web.Example{Query: `mutation { createWellness(input: {
				residentID: "res_1", takenAt: "2026-11-01T08:30:00Z", mood: 5, feelings: [HAPPY], pulse: 64
			}) { wellness { id } } }`})
		}))
	b.picture("playground-subscription")
	b.do("until it is stopped",
		chromedp.Click(".graphiql-execute-button"))

	b.quiet(server)
}

// TestPlaygroundFollows tries a subscription whose stream is written here by hand:
// the page reads it as it comes, goes on where it was cut, and lets go.
func TestPlaygroundFollows(t *testing.T) {
	b := browse(t)
	home, err := url.Parse(demo(t))
	if err != nil {
		t.Fatal(err)
	}
	rest := httputil.NewSingleHostReverseProxy(home)
	const cut = "the end of the stream, though not of what there is to tell"
	more, gone := make(chan string), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "text/event-stream" {
			rest.ServeHTTP(w, r)
			return
		}
		if got := r.Header.Get("X-Request-Id"); got != "fromtheheaderbox" {
			t.Errorf("the stream is asked for without what is in the header box, where a key would be: %q", got)
		}
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		for {
			select {
			case part := <-more:
				if part == cut {
					return
				}
				if _, err := io.WriteString(w, part); err != nil {
					t.Error(err)
					return
				}
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				close(gone)
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	event := func(part string) chromedp.Action[chromedp.Void] {
		return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
			select {
			case more <- part:
				return chromedp.Void{}, nil
			case <-ctx.Done():
				return chromedp.Void{}, ctx.Err()
			}
		}
	}

	b.do("the page",
		chromedp.Navigate(server.URL),
		b.shows(".graphiql-query-editor", "query HomeToday"),
		b.shows(".graphiql-editor-tool", "Authorization"),
		chromedp.Click(".graphiql-editor-tool .graphiql-editor:not(.hidden)"),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		insert(`{ "X-Request-Id": "fromtheheaderbox" } // no bracket is last: the editor would add its own`),
		chromedp.Click(".graphiql-query-editor .graphiql-editor"),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		insert("subscription Rounds { round }"),
		b.shows(".graphiql-tabs", "Rounds"))
	b.do("shows each event as it comes, also in parts",
		chromedp.Click(".graphiql-execute-button"),
		event(":\n\nevent: next\ndata: {\"data\": {\"round\": \"first\"}}\n\n"),
		b.shows(".graphiql-response", `"first"`),
		event("event: next\ndata: {\"data\": "), event("{\"round\": \"second\"}}\n\n"),
		b.shows(".graphiql-response", `"second"`))
	b.do("goes on from the last event when it was cut",
		event("event: next\nid: 7-00000000\ndata: {\"data\": {\"round\": \"third\"}}\n\n"),
		event(cut),
		b.sends("Last-Event-ID", "7-00000000"),
		event("event: next\nid: 8-00000000\ndata: {\"data\":\ndata: {\"round\": \"fourth\"}}\n\n"),
		b.shows(".graphiql-response", `"fourth"`))
	b.do("stops by clicking",
		chromedp.Click(".graphiql-execute-button"),
		func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
			select {
			case <-gone:
				return chromedp.Void{}, nil
			case <-ctx.Done():
				return chromedp.Void{}, ctx.Err()
			}
		})
	b.quiet(server.URL)
}

// browser is one page of a headless Chromium.
type browser struct {
	t       *testing.T
	ctx     context.Context
	console iter.Seq2[chromedp.ConsoleMessage, error]

	mu       sync.Mutex
	requests []*network.Request
	news     chan struct{} // closed and replaced with each request
}

func browse(t *testing.T) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("CAREHOME_TEST_REQUIRE"), ","), "chromium") {
			t.Fatal("CAREHOME_TEST_REQUIRE asks for chromium, which is not installed")
		}
		t.Skip("SKIPPED: chromium is not installed, so the playground is not tried in a browser")
	}
	// The folder for the browser's profile is new each time, and not ours to
	// remove: Chromium may write into it after its end, chromedp knows how.
	allocator, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(path),
		chromedp.Headless,
		chromedp.NoSandbox, // it does not start for root, who CI is
		chromedp.DisableGPU,
		chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), // it is small in containers
	)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1400, 900)); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	b := &browser{t: t, ctx: ctx, console: chromedp.Console(ctx), news: make(chan struct{})}
	err = chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.requests = append(b.requests, e.Request)
			close(b.news)
			b.news = make(chan struct{})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return b
}

// do takes the steps, all of them within a minute.
func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	for i, step := range steps {
		if err := chromedp.Do(ctx, step); err != nil {
			b.picture("failed")
			where, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.href"))
			b.t.Fatalf("%s, step %d: %v; at %s, the console: %q", what, i+1, err, where, b.messages())
		}
	}
}

// shows waits until the element's text has want in it. (chromedp's own polling
// evaluates text in the page, which the page's policy forbids; and a promise of a
// page that is left meanwhile is never kept.)
func (b *browser) shows(selector, want string) chromedp.Action[chromedp.Void] {
	look := chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelector(%q)?.textContent.replaceAll('\u00a0', ' ').includes(%q) ?? false`, selector, want))
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for {
			once, cancel := context.WithTimeout(ctx, 5*time.Second)
			there, err := look(once, target)
			cancel()
			if there {
				return chromedp.Void{}, nil
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				return chromedp.Void{}, errors.Join(fmt.Errorf("%s does not show %q: %w", selector, want, ctx.Err()), err)
			}
		}
	}
}

// meanwhile does something again and again until the element shows what comes of it:
// when a subscription has begun, nothing says so.
func (b *browser) meanwhile(selector, want string, do func()) chromedp.Action[chromedp.Void] {
	shows := b.shows(selector, want)
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for {
			do()
			once, cancel := context.WithTimeout(ctx, time.Second)
			_, err := shows(once, target)
			cancel()
			if err == nil || ctx.Err() != nil {
				return chromedp.Void{}, err
			}
		}
	}
}

// sends waits until a request has the header.
func (b *browser) sends(name, want string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		for {
			b.mu.Lock()
			requests, news := b.requests, b.news
			b.mu.Unlock()
			for _, r := range requests {
				if r.Headers[name] == want {
					return chromedp.Void{}, nil
				}
			}
			select {
			case <-news:
			case <-ctx.Done():
				return chromedp.Void{}, fmt.Errorf("no request has %s: %s: %w", name, want, ctx.Err())
			}
		}
	}
}

// insert types the text into what has the focus, at once: an editor that
// completes brackets would add its own to single keys.
func insert(text string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, input.InsertText, input.InsertTextParams{Text: text})
		return chromedp.Void{}, err
	}
}

// messages returns what the console has shown so far.
func (b *browser) messages() []string {
	const end = "the end of the test"
	if err := chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("console.debug(%q)", end))); err != nil {
		b.t.Fatal(err)
	}
	var messages []string
	for m, err := range b.console {
		if err != nil {
			b.t.Fatalf("reading the console: %v", err)
		}
		if m.Text == end {
			break
		}
		messages = append(messages, fmt.Sprintf("%s: %s (%s)", m.Type, m.Text, m.URL))
	}
	return messages
}

// quiet wants an empty console and no request to anybody but the server.
func (b *browser) quiet(server string) {
	b.t.Helper()
	for _, m := range b.messages() {
		b.t.Errorf("the console shows %s", m)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.requests) == 0 {
		b.t.Error("no request was seen")
	}
	for _, r := range b.requests {
		if !strings.HasPrefix(r.URL, server+"/") && !strings.HasPrefix(r.URL, "data:") {
			b.t.Errorf("a request to another host: %s", r.URL)
		}
	}
}

// picture keeps what the page looks like, if somebody wants it.
func (b *browser) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("CAREHOME_SCREENSHOTS")
	if folder == "" {
		return
	}
	// The editor colours long texts while nothing else is to be done.
	idle := chromedp.Evaluate[chromedp.Void]("new Promise(done => requestIdleCallback(() => requestIdleCallback(done)))", chromedp.EvalAwaitPromise)
	if err := chromedp.Do(b.ctx, idle); err != nil {
		b.t.Fatal(err)
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
