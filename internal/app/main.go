package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"carehome/ent"
	"carehome/internal/access"
	"carehome/internal/config"
	"carehome/internal/seed"
	"carehome/internal/store"
)

// Exit codes, as in sysexits.h.
const (
	exitOK       = 0
	exitUsage    = 64 // the command line is wrong
	exitData     = 65 // the data given is wrong or damaged
	exitInternal = 70 // something failed that should not
	exitTempFail = 75 // it may work later
	exitConfig   = 78 // a setting is wrong, or the machine is not as needed
)

// Program is the running program: where it writes, and what tests replace.
type Program struct {
	// Version is stamped by the linker; what Go's build information says if empty.
	Version string
	// Stdout takes results, Stderr the log, progress and errors.
	Stdout, Stderr io.Writer
	// Clock tells the time; time.Now unless set.
	Clock func() time.Time
	// Getenv reads what others than the program itself have defined, such as where
	// traces go; os.Getenv unless set.
	Getenv func(string) string
	// Listening, where set, is told the address once a server or keeper accepts
	// connections on it, and Ready, when it is ready.
	Listening func(net.Addr)
	Ready     func()
	// Ticker makes the keeper's schedule; time.NewTicker unless set.
	Ticker func(time.Duration) (ticks <-chan time.Time, stop func())
	// command is what is run.
	command config.Command
}

// Main runs a command line and returns the exit code. SIGTERM and SIGINT ask
// the command to finish; a second one ends the process at once.
func (p Program) Main(args, environ []string) int {
	cfg, err := config.Parse(args, environ)
	if err != nil {
		return p.fail(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	defer signal.Stop(signals)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-done:
			return
		}
		select {
		case again := <-signals:
			// What a shell reports for a process that a signal has ended.
			const signalled = 128
			number, _ := again.(syscall.Signal)
			os.Exit(signalled + int(number))
		case <-done:
		}
	}()
	return p.fail(p.Run(ctx, cfg))
}

// Run does what a command line asks for. When ctx ends, a server or keeper
// finishes what is under way and Run returns nil; other commands stop half-way,
// leaving everything as it was before, and return an error.
func (p Program) Run(ctx context.Context, c *config.Config) error {
	p = p.complete()
	p.command = c.Command
	switch c.Command {
	case config.Help:
		return p.print("%s", c.HelpText)
	case config.Serve:
		return p.serve(ctx, c.Serve)
	case config.Migrate:
		return p.migrate(ctx, c.Migrate)
	case config.Seed:
		return p.seed(ctx, c.Seed)
	case config.ImportFHIR:
		return p.importFHIR(ctx, c.Import.FHIR)
	case config.SchemaPrint:
		return p.printSchema()
	case config.KeyCreate:
		return p.createKey(ctx, c.Key.Create)
	case config.KeyList:
		return p.listKeys(ctx, c.Key.List)
	case config.KeyRevoke:
		return p.revokeKey(ctx, c.Key.Revoke)
	case config.UserCreate:
		return p.createUser(ctx, c.User.Create)
	case config.UserList:
		return p.listUsers(ctx, c.User.List)
	case config.UserSetRole:
		return p.setRole(ctx, c.User.SetRole)
	case config.UserSetSubject:
		return p.setSubject(ctx, c.User.SetSubject)
	case config.UserActivate:
		return p.setActive(ctx, c.User.Activate.Database, c.User.Activate.Log, c.User.Activate.User, true)
	case config.UserDeactivate:
		return p.setActive(ctx, c.User.Deactivate.Database, c.User.Deactivate.Log, c.User.Deactivate.User, false)
	case config.Access:
		return p.print("%s", access.Page(ent.AccessFields()))
	case config.Keeper:
		return p.keeper(ctx, c.Keeper)
	case config.Backup:
		return p.backup(ctx, c.Backup)
	case config.Restore:
		return p.restore(ctx, c.Restore)
	case config.Verify:
		return p.verify(ctx, c.Verify)
	case config.AuditVerify:
		return p.auditVerify(ctx, c.Audit.Verify)
	case config.AuditExport:
		return p.auditExport(ctx, c.Audit.Export)
	case config.Healthcheck:
		return p.healthcheck(ctx, c.Healthcheck)
	case config.Version:
		return p.printVersion(c.Version)
	}
	return fmt.Errorf("the command %q is not wired", c.Command)
}

// complete fills in what tests leave out.
func (p Program) complete() Program {
	if p.Clock == nil {
		p.Clock = time.Now
	}
	if p.Getenv == nil {
		p.Getenv = os.Getenv
	}
	if p.Listening == nil {
		p.Listening = func(net.Addr) {}
	}
	if p.Ready == nil {
		p.Ready = func() {}
	}
	if p.Ticker == nil {
		p.Ticker = func(every time.Duration) (<-chan time.Time, func()) {
			ticker := time.NewTicker(every)
			return ticker.C, ticker.Stop
		}
	}
	return p
}

// fail tells the person what went wrong, a line for each problem, and returns
// the exit code.
func (p Program) fail(err error) int {
	if err == nil {
		return exitOK
	}
	var quiet quietError
	if !errors.As(err, &quiet) {
		for line := range strings.SplitSeq(strings.TrimSpace(err.Error()), "\n") {
			// Nobody is left to be told that the standard error is closed.
			_, _ = fmt.Fprintf(p.Stderr, "carehome: %s\n", line)
		}
	}
	var wrong *config.Error
	if errors.As(err, &wrong) && wrong.Usage {
		_, _ = fmt.Fprintln(p.Stderr, "carehome: try \"carehome --help\".")
	}
	return exitCode(err)
}

// exitCode is what the shell is told about err.
func exitCode(err error) int {
	var (
		wrong *config.Error
		quiet quietError
		asked askedError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &asked):
		return exitData
	case errors.As(err, &wrong) && wrong.Usage:
		return exitUsage
	case errors.As(err, &wrong):
		return exitConfig
	case errors.As(err, &quiet):
		return quiet.code
	}
	for _, known := range []struct {
		target error
		code   int
	}{
		{errNotReady, exitTempFail},
		{seed.ErrOccupied, exitConfig},
		{errNotDemo, exitConfig},
		{errNoKey, exitConfig},
		{context.Canceled, exitTempFail},
		{syscall.EADDRINUSE, exitTempFail},
		{store.ErrInUse, exitTempFail},
		{store.ErrStorageFull, exitTempFail},
		{store.ErrTimeout, exitTempFail},
		{store.ErrDamaged, exitData},
		{store.ErrForeign, exitConfig},
		{store.ErrNewerSchema, exitConfig},
		{store.ErrPendingMigrations, exitConfig},
		{store.ErrRefused, exitConfig},
		{store.ErrUnsupported, exitConfig},
		{store.ErrReadOnly, exitConfig},
		{fs.ErrNotExist, exitData},
		{fs.ErrPermission, exitConfig},
	} {
		if errors.Is(err, known.target) {
			return known.code
		}
	}
	return exitInternal
}

// quietError ends the program with a code; what there is to say was said.
type quietError struct{ code int }

func (q quietError) Error() string { return fmt.Sprintf("ended with %d", q.code) }
