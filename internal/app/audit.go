package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"carehome/internal/audit"
	"carehome/internal/config"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/store"
)

// chainVerified is the result of audit verify for programs.
type chainVerified struct {
	File string `json:"file"`
	OK   bool   `json:"ok"`
	// First is the first event at fault.
	First    string   `json:"first,omitempty"`
	Problems []string `json:"problems"`
	Events   int64    `json:"events"`
	// Rows is how many rows were compared with their last events.
	Rows int64      `json:"rows"`
	Head audit.Head `json:"head"`
}

// auditVerify checks the chain of events of a database or a backup.
func (p Program) auditVerify(ctx context.Context, c config.AuditVerifyCommand) error {
	file := auditFile(c.File, c.Database)
	var heads []scalar.Digest
	if c.ExpectHead != "" {
		head, err := scalar.ParseDigest(string(c.ExpectHead))
		if err != nil {
			return err
		}
		heads = append(heads, head)
	}
	report, err := store.Audit(ctx, file, heads...)
	if err != nil && len(report.Problems) == 0 {
		return fmt.Errorf("checking the events of %s: %w", file, err)
	}
	result := chainVerified{
		File: file, OK: err == nil, Problems: append([]string{}, report.Problems...), Events: report.Events, Rows: report.Rows, Head: report.Head,
	}
	if report.First != 0 {
		result.First = report.First.String()
	}
	if c.JSON {
		err = p.printJSON(result)
	} else {
		err = p.printVerified(result)
	}
	if err == nil && !result.OK {
		err = quietError{exitData}
	}
	return err
}

func (p Program) printVerified(r chainVerified) error {
	if r.OK {
		return p.print("%s is sound: %d events follow from one another, and %d rows are what their last events say. The chain ends at %s with the hash\n%s\n",
			r.File, r.Events, r.Rows, r.Head.ID, r.Head.Hash)
	}
	for _, problem := range r.Problems {
		if err := p.print("%s\n", problem); err != nil {
			return err
		}
	}
	first := "The events themselves follow from one another"
	if r.First != "" {
		first = "The first event at fault is " + r.First
	}
	_, err := fmt.Fprintf(p.Stderr, "carehome: %s is not what was written: %d problems among %d events and %d rows. %s.\n",
		r.File, len(r.Problems), r.Events, r.Rows, first)
	return err
}

// auditExport writes the events, one a line.
func (p Program) auditExport(ctx context.Context, c config.AuditExportCommand) error {
	const numbers = 1 << 32 // of one kind of ids
	if c.From >= numbers {
		return nil // there can be none
	}
	out := bufio.NewWriter(p.Stdout)
	write := func(e *audit.Event) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		line := e.Export()
		if c.Format == "fhir" {
			var err error
			if line, err = json.Marshal(e.FHIR()); err != nil {
				return err
			}
		}
		_, err := out.Write(append(line, '\n'))
		return err
	}
	file := auditFile(c.File, c.Database)
	err := store.Events(ctx, file, nodeid.New(nodeid.AuditEvent, uint32(c.From)), write)
	if err = errors.Join(err, out.Flush()); err != nil {
		return fmt.Errorf("exporting the events of %s: %w", file, err)
	}
	return nil
}

// auditFile is the file that was named, or the database.
func auditFile(file config.File, database config.Database) string {
	if file == "" {
		file = database.Database
	}
	return string(file)
}
