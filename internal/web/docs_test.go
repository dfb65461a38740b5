package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestDocs reads the API's documentation as a developer would, in a real browser
// against a real server.
func TestDocs(t *testing.T) {
	b := browse(t)
	server := demo(t)

	b.do("the first page",
		chromedp.Navigate(server+"/docs"),
		b.shows("h1", "The API"),
		b.shows("nav", "Mutations"),
		b.shows(".codes", "SAFETY_BLOCK"))
	b.picture("docs-overview")

	b.do("a type by the keyboard alone: / to the search, Enter to the first that is found",
		chromedp.KeyEvent("/"),
		chromedp.WaitReady("#search:focus"),
		// The protocol types the slash all the same.
		chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		insert("PrescriptionRoute"),
		b.shows("#found", "PrescriptionRoute"))
	b.picture("docs-search")
	b.do("goes there",
		chromedp.KeyEvent(kb.Enter),
		b.shows("h1", "Enums"),
		b.shows("article:target h2", "PrescriptionRoute"))

	b.do("down into the list and back",
		chromedp.KeyEvent("/"),
		chromedp.WaitReady("#search:focus"),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		insert("fullname"),
		b.shows("#found li", "Resident.fullName"),
		chromedp.KeyEvent(kb.ArrowDown),
		b.shows(":focus", "Resident.fullName"),
		chromedp.KeyEvent(kb.ArrowUp),
		chromedp.WaitReady("#search:focus"),
		chromedp.KeyEvent(kb.ArrowDown),
		chromedp.KeyEvent(kb.Enter),
		b.shows("h1", "Objects"),
		b.shows("tr:target", "fullName"))
	b.picture("docs-objects")

	b.do("links lead from a field to its type and on",
		chromedp.Navigate(server+"/docs/queries#residents"),
		b.shows("article:target", "Example: Find a resident by name"),
		chromedp.Click("article:target details.example summary"),
		b.shows("article:target details[open] pre", "query"),
		chromedp.Click(`article:target a[href="connections#ResidentConnection"]`),
		b.shows("h1", "Connections"),
		b.shows("article:target h2", "ResidentConnection"))

	b.do("in the dark",
		media("prefers-color-scheme", "dark"),
		chromedp.Navigate(server+"/docs/mutations"),
		b.shows("h1", "Mutations"))
	b.picture("docs-dark")

	b.do("the largest page",
		chromedp.Navigate(server+"/docs/filters"),
		b.shows("main", "WellnessWhereInput"))

	b.do("from the playground",
		chromedp.Navigate(server),
		b.shows(".graphiql-query-editor", "query HomeToday"),
		chromedp.Click(`a[href="docs/"]`),
		b.shows("h1", "The API"))
	b.quiet(server)
}

// TestDocsWithoutScripts: the pages are text and links, and the form asks the
// server.
func TestDocsWithoutScripts(t *testing.T) {
	b := browse(t)
	server := demo(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.do("the search",
		chromedp.Navigate(server+"/docs/"),
		chromedp.Click("#search"),
		insert("wellnessIntervalHours"),
		chromedp.Click("form button"),
		chromedp.WaitReady(".results"),
		chromedp.Click(".results a"),
		chromedp.WaitReady("tr:target"))
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := false
	for _, r := range b.requests {
		asked = asked || strings.HasSuffix(r.URL, "/docs/search?q=wellnessIntervalHours")
	}
	if !asked {
		t.Error("the form did not ask the server")
	}
}

func media(name, value string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: name, Value: value}},
		})
		return chromedp.Void{}, err
	}
}
