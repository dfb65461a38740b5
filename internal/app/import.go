package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"carehome/ent"
	"carehome/internal/audit"
	"carehome/internal/care"
	"carehome/internal/config"
	"carehome/internal/fhir"
	"carehome/internal/viewer"
)

// imported is the report of an import for programs.
type imported struct {
	Bundles []*fhir.Report `json:"bundles"`
	// Failed lists the files of which nothing was taken.
	Failed []failedImport `json:"failed"`
	Total  *fhir.Report   `json:"total"`
}

type failedImport struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

// importFHIR takes bundles in, each wholly or not at all. A broken one does not
// keep the others out, but the exit code tells of it.
func (p Program) importFHIR(ctx context.Context, c config.ImportFHIRCommand) (err error) {
	if err := missing(c.Files); err != nil {
		return err
	}
	log := logger(p.Stderr, c.Log)
	st, err := openStore(ctx, p.storeOptions(c.Database, log))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore(st)) }()
	if _, err := ensureHome(ctx, st, c.TimeZone); err != nil {
		return err
	}
	ctx = audit.WithOperation(viewer.With(ctx, viewer.System()), "import fhir")
	zone, err := care.Zone(ctx, st.Client())
	if err != nil {
		return fmt.Errorf("looking for the home's time zone: %w", err)
	}
	shown := p.progress(c.Progress, log, "importing")
	result := imported{Bundles: []*fhir.Report{}, Failed: []failedImport{}}
	var broken error // what the database, not the bundle, is at fault for
	importer := fhir.Importer{Zone: zone, Write: func(ctx context.Context, work func(context.Context, *ent.Client) error) error {
		broken = care.Guard(st.Write)(ctx, work)
		return broken
	}}
	if len(c.Files) == 1 {
		importer.Progress = func(done, total int) { shown.step(ctx, done, total) }
	}
	for i, name := range c.Files {
		report, err := importFile(ctx, importer, name)
		if err == nil {
			result.Bundles = append(result.Bundles, report)
		} else {
			result.Failed = append(result.Failed, failedImport{name, err.Error()})
		}
		if broken != nil || ctx.Err() != nil {
			break
		}
		if len(c.Files) > 1 {
			shown.step(ctx, i+1, len(c.Files))
		}
	}
	shown.end()
	result.Total = fhir.Total("total", result.Bundles...)
	if err := p.reportImport(c, result); err != nil {
		return err
	}
	switch {
	case broken != nil, ctx.Err() != nil:
		return fmt.Errorf("the import was stopped; %d of %d files were taken: %w", len(result.Bundles), len(c.Files), errors.Join(ctx.Err(), broken))
	case len(result.Failed) > 0:
		return quietError{exitData}
	}
	return nil
}

// missing refuses names none of which is that of a file, so that a slip of the
// keyboard makes no database.
func missing(names []string) error {
	var all error
	for _, name := range names {
		_, err := os.Stat(name)
		if err == nil {
			return nil
		}
		all = errors.Join(all, err)
	}
	return all
}

func importFile(ctx context.Context, importer fhir.Importer, name string) (report *fhir.Report, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err // it names the file
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return importer.Bundle(ctx, name, file)
}

// reportImport writes what was taken to the standard output, and what was not
// taken at all to the standard error.
func (p Program) reportImport(c config.ImportFHIRCommand, result imported) error {
	if c.JSON {
		return p.printJSON(result)
	}
	for _, report := range result.Bundles {
		if err := p.print("%s", report); err != nil {
			return err
		}
	}
	if len(result.Bundles) > 1 {
		if err := p.print("%s", result.Total); err != nil {
			return err
		}
	}
	for _, f := range result.Failed {
		if _, err := fmt.Fprintf(p.Stderr, "carehome: %s\n", f.Error); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}
