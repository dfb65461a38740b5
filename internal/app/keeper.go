package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"carehome/internal/config"
	"carehome/internal/store"
)

const (
	// keeperWait is how often a keeper looks whether another one has gone.
	keeperWait = time.Second
	// farewellTime bounds the last backup, after which the keeper ends.
	farewellTime = 5 * time.Minute
	// partLife is for how long nothing is written to a backup under way before it
	// counts as cut off.
	partLife = time.Hour
)

// keeper looks after a database that others serve. It is ready once the database
// is up to date, checked and backed up. From then on it checks and backs up on a
// schedule, and once more when ctx ends.
func (p Program) keeper(ctx context.Context, c config.KeeperCommand) (err error) {
	log := logger(p.Stderr, c.Log)
	k := &keeper{config: c, log: log, clock: p.Clock, health: Health{Status: "starting"}}
	mux := http.NewServeMux()
	healthPages(mux, k.report)
	tell := p.telemetry(ctx, log)
	defer func() { stopTelling(tell, log) }()
	tell.Add(k.figures)
	figures, err := p.listenMetrics(ctx, c.Metrics, tell, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, figures.close()) }()
	srv, err := p.listen(ctx, c.Listen, mux, nil, tell, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.close()) }()
	if k.store, err = p.openKept(ctx, c, log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore(k.store)) }()
	// A keeper that cannot do its work at the start says so by ending. It leaves no
	// backup of a damaged database, since it is likely to be started over and over.
	if err := k.check(ctx); err != nil {
		return err
	}
	if err := k.copy(ctx); err != nil {
		return err
	}
	k.note(func(h *Health) { h.Status = ready })
	log.InfoContext(ctx, "keeping", "database", string(c.Database.Database), "backups", string(c.Backups.Backups), "every", c.Every.String())
	ticks, stop := p.Ticker(c.Every)
	defer stop()
	p.Ready()
	for {
		select {
		case <-ticks:
			// Later ones go on after a failure, which the health page tells.
			if err := k.look(ctx); err != nil && ctx.Err() == nil {
				log.ErrorContext(ctx, "looking after the database failed", "error", err)
			}
		case err := <-srv.failed:
			return fmt.Errorf("serving: %w", err)
		case <-ctx.Done():
			log.Info("stopping, after a last backup")
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellTime)
			defer cancel()
			return k.copy(last)
		}
	}
}

// openKept opens the database once no other keeper has it.
func (p Program) openKept(ctx context.Context, c config.KeeperCommand, log *slog.Logger) (*store.Store, error) {
	options := p.storeOptions(c.Database, log)
	options.Role, options.BackupDir = store.KeeperRole, string(c.Backups.Backups)
	ticks, stop := p.Ticker(keeperWait)
	defer stop()
	for waiting := false; ; waiting = true {
		st, err := openStore(ctx, options)
		if !errors.Is(err, store.ErrInUse) {
			return st, err
		}
		if !waiting {
			log.WarnContext(ctx, "waiting for the database", "reason", err)
		}
		select {
		case <-ticks:
		case <-ctx.Done():
			return nil, err
		}
	}
}

// keeper is the work and what there is to tell of it.
type keeper struct {
	config config.KeeperCommand
	store  *store.Store
	log    *slog.Logger
	clock  func() time.Time

	mu     sync.Mutex
	health Health
}

// look checks the database and backs it up. The health page tells what went
// wrong until all goes well again.
func (k *keeper) look(ctx context.Context) error {
	checked, copied := k.check(ctx), k.copy(ctx)
	var problems []string // a new one each time: report hands it out
	if checked != nil {
		problems = append(problems, "The last check of the database failed; the log says why.")
	}
	if copied != nil {
		problems = append(problems, "The last backup failed; the log says why.")
	}
	k.note(func(h *Health) {
		h.Status, h.Problems = ready, problems
		if len(problems) > 0 {
			h.Status = "degraded"
		}
	})
	return errors.Join(checked, copied)
}

// check looks for damage in the pages, the indexes and the references.
func (k *keeper) check(ctx context.Context) error {
	began := k.clock()
	report, err := store.Verify(ctx, string(k.config.Database.Database))
	k.note(func(h *Health) { h.LastCheck = &CheckHealth{At: began, OK: err == nil} })
	if err != nil {
		return fmt.Errorf("checking %s: %w", k.config.Database.Database, err)
	}
	k.log.InfoContext(ctx, "checked", "bytes", report.Bytes, "migration", report.SchemaVersion, "ms", k.clock().Sub(began).Milliseconds())
	return nil
}

// copy makes a backup and removes those that the rule does not keep; none while the
// database is damaged, since they may be the last good ones.
func (k *keeper) copy(ctx context.Context) error {
	began, dir := k.clock(), string(k.config.Backups.Backups)
	// Before the copy, which may need the room.
	if err := k.sweep(ctx, dir); err != nil {
		return err
	}
	made, err := k.store.Backup(ctx, dir)
	if err != nil {
		return fmt.Errorf("backing up %s: %w", k.config.Database.Database, err)
	}
	k.note(func(h *Health) {
		h.LastBackup = &BackupHealth{At: made.CreatedAt, Name: made.File, Bytes: made.Bytes}
	})
	k.log.InfoContext(ctx, "backed up", "file", made.File, "bytes", made.Bytes, "sha256", made.SHA256, "ms", k.clock().Sub(began).Milliseconds())
	all, err := store.Backups(dir)
	if err != nil {
		return fmt.Errorf("listing the backups: %w", err)
	}
	// Copies from before a migration, and those of other databases, are not its own.
	all = slices.DeleteFunc(all, func(m store.Manifest) bool { return m.Series() != made.Series() })
	if err := k.follow(ctx, made, all); err != nil {
		return err
	}
	if !k.report(ctx).LastCheck.OK {
		k.log.WarnContext(ctx, "keeping every backup, since the last check failed")
		return nil
	}
	for _, old := range store.Expired(all, store.Retention{Last: k.config.Keep, Days: k.config.Days}, k.clock()) {
		if err := removeBackup(dir, old); err != nil {
			return err
		}
		k.log.InfoContext(ctx, "removed an old backup", "file", old.File)
	}
	return nil
}

// follow says where the chain of events ends, for a log that is kept elsewhere, and
// sees that it goes through where it ended at the backup before. That it does not
// is no reason to stop: somebody may have put an older backup in place.
func (k *keeper) follow(ctx context.Context, made store.Manifest, all []store.Manifest) error {
	if made.Audit != nil {
		k.log.InfoContext(ctx, "the audit chain ends here", "event", made.Audit.ID.String(), "hash", made.Audit.Hash.String())
	}
	i := slices.IndexFunc(all, func(m store.Manifest) bool { return m.File != made.File && m.Audit != nil })
	if i < 0 {
		return nil
	}
	there, err := k.store.Holds(ctx, *all[i].Audit)
	if err == nil && !there {
		k.log.ErrorContext(ctx, "the audit chain does not go through where it ended at the backup before: its end was cut off or written anew, or an older backup was put in place",
			"backup", all[i].File, "event", all[i].Audit.ID.String(), "hash", all[i].Audit.Hash.String())
	}
	return err
}

// sweep removes what is left of backups that were cut off, by a kill or a power
// cut: each has a name of its own, so that no later one would write over it.
func (k *keeper) sweep(ctx context.Context, dir string) error {
	parts, err := filepath.Glob(filepath.Join(dir, "*.db*.part*"))
	if err != nil {
		return fmt.Errorf("looking for backups that were cut off: %w", err)
	}
	for _, part := range parts {
		info, err := os.Stat(part)
		if err == nil && k.clock().Sub(info.ModTime()) > partLife {
			k.log.WarnContext(ctx, "removing a backup that was cut off", "file", filepath.Base(part), "bytes", info.Size())
			err = os.Remove(part)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing a backup that was cut off: %w", err)
		}
	}
	return nil
}

// removeBackup removes the copy before its manifest: what is cut off in between
// is found again by the manifest.
func removeBackup(dir string, m store.Manifest) error {
	for _, name := range []string{m.File, m.File + ".json"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an old backup: %w", err)
		}
	}
	return nil
}

func (k *keeper) note(change func(*Health)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.health)
}

// report is what the health page tells.
func (k *keeper) report(context.Context) Health {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.health
}
