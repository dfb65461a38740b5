package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carehome/graph/limits"
	"carehome/internal/config"
)

// The settings' defaults are those of the graph, and docs/limits.md tells both.
func TestLimitsAreTold(t *testing.T) {
	cfg, err := config.Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := limits.Default()
	if got := graphLimits(cfg.Serve.Limits); got != l {
		t.Errorf("the settings say %+v, the graph %+v", got, l)
	}
	text, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| ") {
			rows++
		}
	}
	want := []struct {
		name, flag string
		value      any
	}{
		{"`body`", "body", l.BodyBytes}, {"`tokens`", "tokens", l.Tokens}, {"`depth`", "depth", l.Depth},
		{"`introspectionDepth`", "", l.IntrospectionDepth}, {"`aliases`", "aliases", l.Aliases}, {"`rootFields`", "root-fields", l.RootFields},
		{"`directives`", "directives", l.Directives}, {"`repeats`", "", l.Repeats}, {"`fields`", "", l.Fields},
		{"`conditions`", "conditions", l.Conditions}, {"`hops`", "hops", l.Hops}, {"`items`", "", l.Items},
		{"`cost`", "cost", l.Cost}, {"`cost` (reporting)", "reporting-cost", l.ReportingCost}, {"`answer`", "answer", l.AnswerBytes},
		{"operations", "socket-operations", l.SocketOperations}, {"time", "time", l.Time}, {"`rate`", "rate", l.Rate},
		{"`turns`", "", limits.MostWaiting},
	}
	for _, w := range want {
		row := fmt.Sprintf("| %s | %v | ", w.name, w.value)
		if w.flag != "" {
			row += "`--limit-" + w.flag + "` |"
		} else {
			row += "|"
		}
		if !strings.Contains(string(text), row) {
			t.Errorf("docs/limits.md has no row %q", row)
		}
	}
	if rows != len(want)+1 {
		t.Errorf("docs/limits.md has %d rows; %d limits are known", rows-1, len(want))
	}
}

func TestLimitFlags(t *testing.T) {
	r := start(t, Program{}, "--database", filepath.Join(t.TempDir(), "home.db"), "--limit-depth", "2", "--limit-rate", "0", "--no-introspection")
	if got := r.query("{ residents { pageInfo { hasNextPage } } }"); !strings.Contains(got, `"name":"depth"`) || !strings.Contains(got, `"limit":2`) {
		t.Errorf("got %s", got)
	}
	if got := r.query(`{ __type(name: "Resident") { name } }`); !strings.Contains(got, "FORBIDDEN") {
		t.Errorf("got %s", got)
	}
	r.end()
}

func TestTrustedDocuments(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "documents.json")
	run := func(manifest string) error {
		if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Parse([]string{"--listen", "127.0.0.1:0", "--database", filepath.Join(folder, "home.db"), "--trusted-documents", file}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return Program{Stdout: new(lines), Stderr: new(lines)}.Run(t.Context(), cfg)
	}
	for manifest, want := range map[string]string{
		"":                     "unexpected end",
		"[]":                   "neither an object of documents",
		"{}":                   "has no document",
		`{"a": ""}`:            "must not be empty",
		`{"a": "{ nothing }"}`: `1 of the trusted documents in ` + file + ` cannot be answered, such as "a"`,
		`{"version": 2, "operations": [{"id": "a", "body": "{ __typename }"}]}`: "version 2 is not known",
	} {
		if err := run(manifest); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", manifest, err, want)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := trusted(config.Limits{TrustedDocuments: config.File(file)}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	apollo := `{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": "a", "name": "A", "type": "query", "body": "query A { __typename }"}]}`
	if err := os.WriteFile(file, []byte(apollo), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, Program{}, "--database", filepath.Join(folder, "home.db"), "--trusted-documents", file)
	if got := r.query("query A { __typename }"); !strings.HasPrefix(got, `{"data":{"__typename":"Query"}`) {
		t.Errorf("got %s", got)
	}
	if got := r.query("{ __typename }"); !strings.Contains(got, "FORBIDDEN") {
		t.Errorf("got %s", got)
	}
	r.end()
}
