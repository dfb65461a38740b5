package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"carehome/internal/config"
	"carehome/internal/store"
)

// backup writes one copy beside whoever serves the database.
func (p Program) backup(ctx context.Context, c config.BackupCommand) (err error) {
	options := p.storeOptions(c.Database, logger(p.Stderr, c.Log))
	options.ReadOnly = true
	st, err := openStore(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore(st)) }()
	copied, err := st.Backup(ctx, string(c.Backups.Backups))
	if err != nil {
		return fmt.Errorf("backing up %s: %w", c.Database.Database, err)
	}
	if c.JSON {
		return p.printJSON(copied)
	}
	return p.print("%s: %d bytes, checked, SHA-256 %s\n", filepath.Join(string(c.Backups.Backups), copied.File), copied.Bytes, copied.SHA256)
}

// restore puts a backup in the place of a database that nobody uses.
func (p Program) restore(ctx context.Context, c config.RestoreCommand) error {
	report, err := store.Restore(ctx, string(c.Backup), string(c.Database.Database))
	if err != nil {
		return fmt.Errorf("restoring %s: %w", c.Backup, err)
	}
	before := ""
	if report.Aside != "" {
		before = " What was there before is kept as " + report.Aside + "."
	}
	return p.print("%s is restored from %s: %d bytes, at migration %s.%s\n",
		c.Database.Database, c.Backup, report.Bytes, report.SchemaVersion, before)
}

// verified is the result of verify for programs.
type verified struct {
	File      string `json:"file"`
	OK        bool   `json:"ok"`
	Problem   string `json:"problem,omitempty"`
	Bytes     int64  `json:"bytes"`
	Migration string `json:"migration"`
	// Summed is true where the content was compared with the sum that was taken
	// when the backup was made.
	Summed bool `json:"summed"`
}

// verify checks a database or a backup.
func (p Program) verify(ctx context.Context, c config.VerifyCommand) error {
	file := c.File
	if file == "" {
		file = c.Database.Database
	}
	report, err := store.Verify(ctx, string(file))
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return fmt.Errorf("checking %s: %w", file, err)
	}
	result := verified{File: string(file), OK: err == nil, Bytes: report.Bytes, Migration: report.SchemaVersion, Summed: report.Summed}
	if err != nil {
		result.Problem = err.Error()
	}
	switch {
	case c.JSON && err != nil:
		return errors.Join(p.printJSON(result), quietError{exitData})
	case c.JSON:
		return p.printJSON(result)
	case err != nil:
		return fmt.Errorf("checking %s: %w", file, err)
	}
	compared := "no backup's sum to compare it with"
	if report.Summed {
		compared = "its content is that of its sum"
	}
	return p.print("%s is sound: %d bytes, at migration %s; %s.\n", file, report.Bytes, report.SchemaVersion, compared)
}
