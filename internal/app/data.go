package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"carehome/graph"
	"carehome/internal/config"
	"carehome/internal/seed"
	"carehome/internal/store"

	"github.com/vektah/gqlparser/v2/formatter"
)

// storeOptions are what all commands have in common.
func (p Program) storeOptions(c config.Database, log *slog.Logger) store.Options {
	return store.Options{
		Database: string(c.Database), AllowNetworkFS: c.AllowNetworkFilesystem, Log: log, Clock: p.Clock,
	}
}

func openStore(ctx context.Context, o store.Options) (*store.Store, error) {
	st, err := store.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", o.Database, err)
	}
	return st, nil
}

// closeStore makes one file of the database and lets go of it.
func closeStore(st *store.Store) error {
	if err := st.Close(); err != nil {
		return fmt.Errorf("closing the database: %w", err)
	}
	return nil
}

// migrate brings the database up to date and says at which version it is.
func (p Program) migrate(ctx context.Context, c config.MigrateCommand) (err error) {
	options := p.storeOptions(c.Database, logger(p.Stderr, c.Log))
	options.ReadOnly = c.Status
	st, err := openStore(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore(st)) }()
	return p.print("%s is up to date, at migration %s.\n", c.Database.Database, st.SchemaVersion())
}

// seed makes a made-up home in an empty database.
func (p Program) seed(ctx context.Context, c config.SeedCommand) (err error) {
	log := logger(p.Stderr, c.Log)
	st, err := openStore(ctx, p.storeOptions(c.Database, log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore(st)) }()
	made, err := p.fill(ctx, st, seed.Options{Residents: c.Residents, Days: c.Days, Seed: c.Seed},
		p.progress(c.Progress, log, "making a home"))
	if errors.Is(err, seed.ErrOccupied) {
		return fmt.Errorf("%s: %w: name a new file with --database", c.Database.Database, seed.ErrOccupied)
	}
	if err != nil {
		return err
	}
	if _, err := ensureHome(ctx, st, ""); err != nil {
		return err
	}
	return p.print("%s holds a made-up home of %d residents and %d days: %d rows.\n",
		c.Database.Database, made.Residents, c.Days, made.Rows())
}

// printSchema writes the graph's SDL.
func (p Program) printSchema() error {
	var sdl strings.Builder
	formatter.NewFormatter(&sdl, formatter.WithIndent("  ")).FormatSchema(graph.Schema())
	return p.print("%s", sdl.String())
}
