package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"carehome/internal/audit"
)

// Manifest describes a copy of a database. It lies beside the copy as NAME.json.
type Manifest struct {
	// File is the name of the copy, in the folder of the manifest.
	File string `json:"file"`
	// Bytes is its length.
	Bytes int64 `json:"bytes"`
	// SHA256 is the sum of its content, in hex.
	SHA256 string `json:"sha256"`
	// SchemaVersion is the version of its last migration.
	SchemaVersion string `json:"schemaVersion"`
	// CreatedAt is when the copy was begun; it holds what was committed by then.
	CreatedAt time.Time `json:"createdAt"`
	// SQLite is the version of the library that wrote it.
	SQLite string `json:"sqlite"`
	// Audit is the end of its chain of events; nil where there are none.
	Audit *audit.Head `json:"audit,omitempty"`
}

// Series is what the names of copies made for one purpose have in common: those
// of another database in the same folder, or from before a migration, are of
// another series.
func (m Manifest) Series() string {
	name := strings.TrimSuffix(m.File, copySuffix)
	return name[:max(0, len(name)-len(copyTime))]
}

const (
	manifestSuffix = ".json"
	copySuffix     = ".db"
	copyTime       = "20060102T150405.000Z"
)

// Backup copies the database into dir while it is being read and written, checks
// the copy, and describes it in a manifest. A copy appears under its name only
// when it is whole and durable.
func (s *Store) Backup(ctx context.Context, dir string) (Manifest, error) {
	return s.copyTo(ctx, dir, "", s.schema)
}

// copyBefore copies the database before it is migrated. Such a copy has its own
// series, which the retention rule of the others leaves alone.
func (s *Store) copyBefore(ctx context.Context, version string) (string, error) {
	dir := s.opts.BackupDir
	if dir == "" {
		dir = filepath.Dir(s.path)
	}
	m, err := s.copyTo(ctx, dir, "before-migration-from-"+version+"-", version)
	return filepath.Join(dir, m.File), err
}

func (s *Store) copyTo(ctx context.Context, dir, label, version string) (m Manifest, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return m, fmt.Errorf("making the backup folder: %w", classify(err))
	}
	at := s.opts.Clock().UTC().Truncate(time.Millisecond)
	base := strings.TrimSuffix(filepath.Base(s.path), filepath.Ext(s.path))
	m = Manifest{File: base + "-" + label + at.Format(copyTime) + copySuffix, SchemaVersion: version, CreatedAt: at, SQLite: SQLiteVersion()}
	path := filepath.Join(dir, m.File)
	if _, err := os.Lstat(path); err == nil {
		return m, fmt.Errorf("making a backup: %s exists", path)
	}
	part := path + ".part"
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(part, part+"-journal"))
		}
	}()
	if err := removeAll(part); err != nil { // of a copy that was cut off
		return m, err
	}
	if err := vacuumInto(ctx, s.readerDSN(), part); err != nil {
		return m, fmt.Errorf("copying the database: %w", classify(err))
	}
	if err := errors.Join(os.Chmod(part, private), syncPath(part)); err != nil {
		return m, fmt.Errorf("finishing the copy: %w", classify(err))
	}
	if _, err := inspect(ctx, part, true); err != nil {
		return m, fmt.Errorf("checking the copy: %w", err)
	}
	if m.Audit, err = headOf(ctx, part); err != nil {
		return m, fmt.Errorf("reading the copy's last event: %w", err)
	}
	if m.Bytes, m.SHA256, err = sum(part); err != nil {
		return m, err
	}
	if err := os.Rename(part, path); err != nil {
		return m, fmt.Errorf("naming the copy: %w", err)
	}
	if err := m.save(dir); err != nil {
		return m, err
	}
	return m, syncDir(dir)
}

// headOf is the end of a finished copy's chain, nil if it has none.
func headOf(ctx context.Context, path string) (head *audit.Head, err error) {
	db := checkDSN(path, true).open(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	t, err := newTrail(ctx, db, nil)
	if err != nil || t == nil {
		return nil, err
	}
	last, err := lastEvent(ctx, db)
	if last == audit.Empty() {
		return nil, err
	}
	return &last, err
}

// vacuumInto writes a compact copy through a connection of its own. It may write
// nothing but the copy, yet must not be query_only, which would forbid that too.
func vacuumInto(ctx context.Context, from dsn, path string) (err error) {
	from.queryOnly = false
	from.cache = smallCache
	db := from.open(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

// sum reads a file that is not open as a database.
func sum(path string) (length int64, hash string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", fmt.Errorf("summing %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if length, err = io.Copy(h, f); err != nil {
		return 0, "", fmt.Errorf("summing %s: %w", path, err)
	}
	return length, hex.EncodeToString(h.Sum(nil)), nil
}

// save writes the manifest whole or not at all.
func (m Manifest) save(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	path := filepath.Join(dir, m.File+manifestSuffix)
	part := path + ".part"
	err = os.WriteFile(part, append(text, '\n'), private)
	if err == nil {
		err = syncPath(part)
	}
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the manifest: %w", classify(err)), removeAll(part))
	}
	return nil
}

// manifestOf reads the manifest beside a copy; nil if there is none.
func manifestOf(path string) (*Manifest, error) {
	text, err := os.ReadFile(path + manifestSuffix)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%w: its manifest cannot be read: %w", ErrDamaged, err)
	}
	return &m, nil
}

// Backups are the copies in dir that have a manifest, the newest first.
func Backups(dir string) ([]Manifest, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+copySuffix+manifestSuffix))
	if err != nil {
		return nil, fmt.Errorf("listing backups: %w", err)
	}
	var all []Manifest
	for _, path := range paths {
		m, err := manifestOf(strings.TrimSuffix(path, manifestSuffix))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if m != nil { // else removed meanwhile
			all = append(all, *m)
		}
	}
	slices.SortFunc(all, func(a, b Manifest) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all, nil
}
