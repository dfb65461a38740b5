package config

import (
	"net"
	"net/netip"
	"strings"
	"time"
)

// Command is what the program is to do, named as on the command line.
type Command string

// The commands. Help means that the text of an explanation was asked for.
const (
	Help        Command = "help"
	Serve       Command = "serve"
	Migrate     Command = "migrate"
	Seed        Command = "seed"
	ImportFHIR  Command = "import fhir"
	SchemaPrint Command = "schema print"
	Access      Command = "access"
	Keeper      Command = "keeper"
	Backup      Command = "backup"
	Restore     Command = "restore"
	Verify      Command = "verify"
	AuditVerify Command = "audit verify"
	AuditExport Command = "audit export"
	Healthcheck Command = "healthcheck"
	Version     Command = "version"
)

// Config is a whole command line: the command and the settings of each. Only
// the field of the chosen Command is filled in. Make one with Parse.
type Config struct {
	// Command is the chosen one.
	Command Command `kong:"-"`
	// HelpText is the explanation, where Command is Help.
	HelpText string `kong:"-"`

	Serve   ServeCommand   `cmd:"" default:"withargs" help:"Serve the home over HTTP. This is what happens when no command is named."`
	Migrate MigrateCommand `cmd:"" help:"Bring the database to the shape that this version needs."`
	Seed    SeedCommand    `cmd:"" help:"Fill an empty database with a made-up home."`
	Import  struct {
		FHIR ImportFHIRCommand `cmd:"" name:"fhir" help:"Read residents and their care from FHIR R4 bundles."`
	} `cmd:"" help:"Read records from elsewhere."`
	Schema struct {
		Print SchemaPrintCommand `cmd:"" help:"Write the graph's schema (SDL) to the standard output."`
	} `cmd:"" help:"Look at the graph's schema."`
	Access  AccessCommand  `cmd:"" help:"Say which role may see and do what, as a page of Markdown."`
	Keeper  KeeperCommand  `cmd:"" help:"Look after a database that others serve: migrate, check, back up on a schedule."`
	Backup  BackupCommand  `cmd:"" help:"Write a checked copy of the database, also while it is being served."`
	Restore RestoreCommand `cmd:"" help:"Put a backup in the database's place, after checking it."`
	Verify  VerifyCommand  `cmd:"" help:"Check a database or a backup for damage."`
	Audit   struct {
		Verify AuditVerifyCommand `cmd:"" help:"Check the chain of events, and that every row is what its last event says."`
		Export AuditExportCommand `cmd:"" help:"Write the events to the standard output."`
	} `cmd:"" help:"Look at the record of who did what."`
	Healthcheck HealthcheckCommand `cmd:"" help:"Ask a running server whether it is ready; for containers."`
	Version     VersionCommand     `cmd:"" help:"Say which version this is and what it was built with."`
}

// Database names the database.
type Database struct {
	Database               File `default:"carehome.db" placeholder:"FILE" help:"The home's database: a file, made when it is missing."`
	AllowNetworkFilesystem bool `help:"Open a database on a network file system. Its locks and syncs are only as good there as that file system makes them: records can be lost."`
}

// NewHome says what a home is like that is made because the database is empty.
type NewHome struct {
	TimeZone Zone `default:"UTC" placeholder:"ZONE" help:"The time zone of a home that does not exist yet, such as Europe/Madrid; an existing home keeps its own."`
}

// Log says what the log looks like. It goes to the standard error.
type Log struct {
	LogFormat string `default:"auto" enum:"auto,text,json" placeholder:"FORMAT" help:"How log lines look: text, json, or auto: text on a terminal and json elsewhere."`
	LogLevel  string `default:"info" enum:"debug,info,warn,error" placeholder:"LEVEL" help:"The least important lines to log: debug, info, warn or error."`
}

// Metrics says where the program tells figures of itself.
type Metrics struct {
	MetricsListen Address `placeholder:"HOST:PORT" help:"A second address, to answer with figures for Prometheus at /metrics; without it there are none. No record of the home is to be had there, and nobody has to say who they are."`
}

// Durability says when a write counts as done.
type Durability struct {
	Durability string `default:"group" enum:"group,full,relaxed" placeholder:"MODE" help:"When a write is answered: group or full, once it would survive a power cut (group lets writers share the wait for the disk); relaxed, before that: a power cut may then lose the last seconds."`
}

// Progress says how long work shows how far it is.
type Progress struct {
	Progress bool `default:"true" negatable:"" help:"Show how far long work is: a bar on a terminal, a line now and then elsewhere."`
}

// ServeCommand has the settings of serve.
type ServeCommand struct {
	Database
	Listen               Address       `default:"127.0.0.1:5000" placeholder:"HOST:PORT" help:"The address to answer on. One that other machines can reach needs --allow-unauthenticated."`
	AllowUnauthenticated bool          `help:"Answer on an address that other machines can reach although nobody has to say who they are: everyone who reaches it may read and change everything. Only for a network that is closed otherwise, such as that of a group of containers. It stands in for keys, which are not there yet."`
	Demo                 bool          `help:"Serve a made-up home, which is made on the first start; unless --database says otherwise its file is demo.db."`
	Playground           bool          `default:"true" negatable:"" help:"Serve the page to try the graph with at /."`
	Reads                string        `default:"strict" enum:"strict,relaxed" placeholder:"MODE" help:"Whether a query may see what is not safe from a power cut yet: strict, never; relaxed, for some milliseconds."`
	ReadOnly             bool          `help:"Refuse every change, for instance to look at a restored copy. The database must exist and be up to date."`
	ShutdownTimeout      time.Duration `default:"8s" placeholder:"TIME" help:"How long requests under way may take to finish when the server is told to stop." least:"1s" most:"10m"`
	NewHome
	Durability
	Metrics
	Log
	Progress
}

// MigrateCommand has the settings of migrate.
type MigrateCommand struct {
	Database
	Status bool `noenv:"" help:"Only say which migrations were applied and which are waiting."`
	Log
}

// SeedCommand has the settings of seed.
type SeedCommand struct {
	Database
	Residents int    `default:"40" placeholder:"NUMBER" help:"How many people live in the home." least:"1" most:"2000"`
	Days      int    `default:"90" placeholder:"NUMBER" help:"How many days of care there are behind them." least:"1" most:"3650"`
	Seed      uint64 `default:"42" placeholder:"NUMBER" help:"What the made-up home follows from: the same number makes the same home."`
	Log
	Progress
}

// ImportFHIRCommand has the settings of import fhir.
type ImportFHIRCommand struct {
	Files []string `arg:"" name:"file" help:"Bundles as JSON, also compressed by gzip."`
	Database
	NewHome
	JSON bool `name:"json" noenv:"" help:"Write the report as JSON, for programs."`
	Log
	Progress
}

// AccessCommand has no settings.
type AccessCommand struct{}

// SchemaPrintCommand has no settings.
type SchemaPrintCommand struct{}

// Backups says where backups lie.
type Backups struct {
	Backups Folder `default:"backups" placeholder:"FOLDER" help:"The folder of the backups, made when it is missing."`
}

// KeeperCommand has the settings of keeper.
type KeeperCommand struct {
	Database
	Backups
	Every  time.Duration `name:"backup-every" default:"1h" placeholder:"TIME" help:"How long from one backup to the next." least:"10s" most:"168h"`
	Keep   int           `name:"backup-keep" default:"48" placeholder:"NUMBER" help:"How many of the latest backups to keep." least:"1" most:"100000"`
	Days   int           `name:"backup-days" default:"30" placeholder:"NUMBER" help:"For how many days to keep the last backup of each day as well. Older ones are removed." least:"0" most:"36500"`
	Listen Address       `default:"127.0.0.1:5001" placeholder:"HOST:PORT" help:"The address to answer health questions on (/livez, /readyz); no record of the home is to be had there."`
	Metrics
	Log
}

// BackupCommand has the settings of backup.
type BackupCommand struct {
	Database
	Backups
	JSON bool `name:"json" noenv:"" help:"Write the result as JSON, for programs."`
	Log
}

// RestoreCommand has the settings of restore.
type RestoreCommand struct {
	Backup File `arg:"" help:"The backup's file."`
	Database
}

// VerifyCommand has the settings of verify.
type VerifyCommand struct {
	File File `arg:"" optional:"" help:"A backup's file. Without it the database is checked."`
	Database
	JSON bool `name:"json" noenv:"" help:"Write the result as JSON, for programs."`
}

// AuditVerifyCommand has the settings of audit verify.
type AuditVerifyCommand struct {
	File File `arg:"" optional:"" help:"A backup's file. Without it the database is checked."`
	Database
	ExpectHead Digest `noenv:"" placeholder:"HASH" help:"A hash at which the chain once ended, such as audit.hash in the file beside a backup: the chain must still go through there."`
	JSON       bool   `name:"json" noenv:"" help:"Write the result as JSON, for programs."`
}

// AuditExportCommand has the settings of audit export.
type AuditExportCommand struct {
	File File `arg:"" optional:"" help:"A backup's file. Without it the database's events are written."`
	Database
	Format string `default:"ndjson" enum:"ndjson,fhir" noenv:"" placeholder:"FORMAT" help:"ndjson: each event as one line, of which its hash is made; fhir: each as an AuditEvent of FHIR R4, a line each."`
	From   uint64 `default:"1" noenv:"" placeholder:"NUMBER" help:"The number of the first event to write; to go on where an earlier export ended."`
}

// HealthcheckCommand has the settings of healthcheck.
type HealthcheckCommand struct {
	Listen  Address       `default:"127.0.0.1:5000" placeholder:"HOST:PORT" help:"The address that the server was told to listen on."`
	Timeout time.Duration `name:"healthcheck-timeout" default:"5s" placeholder:"TIME" help:"How long to wait for the answer." least:"100ms" most:"1m"`
}

// VersionCommand has the settings of version.
type VersionCommand struct {
	JSON bool `name:"json" noenv:"" help:"Write it as JSON, for programs."`
}

// DemoDatabase is the file of the demo home where none is named.
const DemoDatabase = "demo.db"

// File is the path of a file.
type File string

// Folder is the path of a folder.
type Folder string

// Digest is a SHA-256 as 64 hexadecimal digits.
type Digest string

// Zone is the IANA name of a time zone.
type Zone string

// Address is HOST:PORT; without a host it means every address of the machine.
type Address string

// Loopback reports whether only this machine can reach the address.
func (a Address) Loopback() bool {
	host, _, err := net.SplitHostPort(string(a))
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
