package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"carehome/ent"
	"carehome/internal/nodeid"
	"carehome/internal/viewer"
)

// homeOptions are those of a home with the real schema.
func homeOptions(t testing.TB) Options {
	o := options(t)
	o.migrations = nil
	return o
}

func asSystem(ctx context.Context) context.Context { return viewer.With(ctx, viewer.System()) }

func TestEntWorksThroughTheStore(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, homeOptions(t))
	ctx := asSystem(t.Context())
	if drift, err := s.Drift(ctx); err != nil || len(drift) > 0 {
		t.Fatalf("drift = %v, %v; want none", drift, err)
	}
	home := func(c *ent.Client) *ent.FacilityCreate {
		return c.Facility.Create().SetName("Casa del Sol").SetTimeZone("Europe/Madrid")
	}
	var id nodeid.ID
	err := s.Write(ctx, func(ctx context.Context, c *ent.Client) error {
		made, err := home(c).Save(ctx)
		if err != nil {
			return err
		}
		id = made.ID
		if found, err := s.Client().Facility.Get(ctx, made.ID); err != nil || found.Name != made.Name {
			t.Errorf("inside the write the reading client finds %v, %v", found, err)
		}
		return made.Update().SetName("Casa de la Luna").Exec(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Snapshot(ctx, func(ctx context.Context) error {
		found, err := s.Client().Facility.Query().Only(ctx)
		if err == nil && found.Name != "Casa de la Luna" {
			t.Errorf("name = %q", found.Name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := home(s.Client()).Save(ctx); !errors.Is(err, ErrWriteOutside) {
		t.Errorf("create by the reading client = %v; want ErrWriteOutside", err)
	}
	if err := s.Client().Facility.UpdateOneID(id).SetName("x").Exec(ctx); !errors.Is(err, ErrWriteOutside) {
		t.Errorf("update by the reading client = %v; want ErrWriteOutside", err)
	}
	if err := s.Client().Facility.DeleteOneID(id).Exec(ctx); !errors.Is(err, ErrWriteOutside) {
		t.Errorf("delete by the reading client = %v; want ErrWriteOutside", err)
	}
	if _, err := s.Client().Tx(ctx); !errors.Is(err, ErrWriteOutside) {
		t.Errorf("a transaction by the reading client = %v; want ErrWriteOutside", err)
	}
	if _, err := s.Client().Facility.Query().Count(t.Context()); err == nil {
		t.Error("a read without a viewer was allowed: the schema's policies do not run")
	}
}

// Every change goes through Store.Write: no other code opens a database, makes an
// ent client, or brings a second SQLite, whose locks would not be ours.
func TestNobodyElseOpensADatabase(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	opens := regexp.MustCompile(`"github\.com/mattn/go-sqlite3"|\bsql\.Open(DB)?\(|\bent\.(Open|NewClient)\(|\bentsql\.Open`)
	exempt := regexp.MustCompile(`^(ent|internal/store|tests/bench|internal/codegen)/`)
	looked := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != root || exempt.MatchString(name+"/")) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		looked++
		text, err := os.ReadFile(path)
		if found := opens.Find(text); found != nil {
			t.Errorf("%s has %s; a database is opened by internal/store alone", name, found)
		}
		return err
	})
	if err != nil || looked < 10 {
		t.Errorf("looked at %d files: %v", looked, err)
	}
	modules, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, second := range []string{"modernc.org/sqlite", "ncruces/go-sqlite3", "glebarez/", "zombiezen.com/go/sqlite", "crawshaw.io/sqlite", "tailscale/sqlite"} {
		if strings.Contains(string(modules), second) {
			t.Errorf("go.mod has %s; two copies of SQLite in one process break each other's locks", second)
		}
	}
}
