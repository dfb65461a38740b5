// Command migration writes the next versioned migration: what leads from the
// migrations there are to the schema that ent was generated from.
//
//	go run ./internal/codegen/migration NAME [DIALECT]
//
// The dialect is sqlite if left out. The file, such as 0002_rooms.sql, and
// atlas.sum beside it are to be read, and from then on never changed. It is a
// package of its own since it imports ent, which the generator must not.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"text/template"

	"ariga.io/atlas/sql/migrate"
	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	_ "github.com/mattn/go-sqlite3" // the database that the migrations are replayed on

	entmigrate "carehome/ent/migrate"
)

// migrations is where each dialect has its folder.
const migrations = "internal/store/migrations"

func main() {
	if err := run(context.Background(), migrations, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "migration:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string, args []string) error {
	if len(args) < 1 || len(args) > 2 || !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(args[0]) {
		return errors.New("usage: migration NAME [sqlite]; the name is made of a to z, 0 to 9 and _")
	}
	if len(args) == 2 && args[1] != "sqlite" {
		return fmt.Errorf("no migrations can be made for %q yet", args[1])
	}
	return diff(ctx, filepath.Join(root, "sqlite"), args[0])
}

var errUpToDate = errors.New("the migrations already lead to the schema")

// diff replays the migrations in dir on an empty database and writes what is
// missing to the next file.
func diff(ctx context.Context, dir, name string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	local, err := migrate.NewLocalDir(dir)
	if err != nil {
		return err
	}
	before, err := local.Files()
	if err != nil {
		return fmt.Errorf("reading %s: %w", dir, err)
	}
	db, err := sql.Open("sqlite3", "file:migration?mode=memory&_foreign_keys=1")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// In memory every connection is a database of its own.
	db.SetMaxOpenConns(1)

	format, err := formatter(len(before)+1, name)
	if err != nil {
		return err
	}
	err = entmigrate.NewSchema(entsql.OpenDB(dialect.SQLite, db)).NamedDiff(ctx, name,
		schema.WithDir(local),
		schema.WithMigrationMode(schema.ModeReplay),
		schema.WithFormatter(format),
		schema.WithDropColumn(true),
		schema.WithDropIndex(true),
		schema.WithErrNoPlan(true),
	)
	if errors.Is(err, migrate.ErrNoPlan) {
		return errUpToDate
	}
	return err
}

// formatter names the file by its number and writes each statement with what it
// is for.
func formatter(number int, name string) (migrate.Formatter, error) {
	parse := func(text string) (*template.Template, error) {
		return template.New(name).Funcs(template.FuncMap{"standard": standard}).Parse(text)
	}
	file, err := parse(fmt.Sprintf("%04d_%s.sql", number, name))
	if err != nil {
		return nil, err
	}
	content, err := parse("{{ range .Changes }}{{ with .Comment }}-- {{ . }}\n{{ end }}{{ standard .Cmd }};\n{{ end }}")
	if err != nil {
		return nil, err
	}
	return migrate.NewTemplateFormatter(file, content)
}

// standard writes the text that sets a sequence as a text: in double quotes, as
// ent has it, SQLite takes it for one only while its column is not found.
func standard(statement string) string {
	return regexp.MustCompile(`VALUES \("([a-z0-9_]+)", `).ReplaceAllString(statement, "VALUES ('$1', ")
}
