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
	Help           Command = "help"
	Serve          Command = "serve"
	Migrate        Command = "migrate"
	Seed           Command = "seed"
	ImportFHIR     Command = "import fhir"
	SchemaPrint    Command = "schema print"
	KeyCreate      Command = "key create"
	KeyList        Command = "key list"
	KeyRevoke      Command = "key revoke"
	UserCreate     Command = "user create"
	UserList       Command = "user list"
	UserSetRole    Command = "user set-role"
	UserSetSubject Command = "user set-subject"
	UserActivate   Command = "user activate"
	UserDeactivate Command = "user deactivate"
	Access         Command = "access"
	Keeper         Command = "keeper"
	Backup         Command = "backup"
	Restore        Command = "restore"
	Verify         Command = "verify"
	AuditVerify    Command = "audit verify"
	AuditExport    Command = "audit export"
	Healthcheck    Command = "healthcheck"
	Version        Command = "version"
)

// Config is a whole command line: the command and the settings of each. Only
// the field of the chosen Command is filled in. Make one with Parse.
type Config struct {
	// Command is the chosen one.
	Command Command `kong:"-"`
	// HelpText is the explanation, where Command is Help.
	HelpText string `kong:"-"`

	Serve       ServeCommand       `cmd:"" default:"withargs" help:"Serve the home over HTTP. This is what happens when no command is named."`
	Migrate     MigrateCommand     `cmd:"" help:"Bring the database to the shape that this version needs."`
	Seed        SeedCommand        `cmd:"" help:"Fill an empty database with a made-up home."`
	Import      ImportCommands     `cmd:"" help:"Read records from elsewhere."`
	Schema      SchemaCommands     `cmd:"" help:"Look at the graph's schema."`
	Key         KeyCommands        `cmd:"" help:"Make, list and revoke API keys, also while the home is served."`
	User        UserCommands       `cmd:"" help:"Add and change the people who use the system, also while the home is served."`
	Access      AccessCommand      `cmd:"" help:"Say which role may see and do what, as a page of Markdown."`
	Keeper      KeeperCommand      `cmd:"" help:"Look after a database that others serve: migrate, check, back up on a schedule."`
	Backup      BackupCommand      `cmd:"" help:"Write a checked copy of the database, also while it is being served."`
	Restore     RestoreCommand     `cmd:"" help:"Put a backup in the database's place, after checking it."`
	Verify      VerifyCommand      `cmd:"" help:"Check a database or a backup for damage."`
	Audit       AuditCommands      `cmd:"" help:"Look at the record of who did what."`
	Healthcheck HealthcheckCommand `cmd:"" help:"Ask a running server whether it is ready; for containers."`
	Version     VersionCommand     `cmd:"" help:"Say which version this is and what it was built with."`
}

// ImportCommands read records from elsewhere.
type ImportCommands struct {
	FHIR ImportFHIRCommand `cmd:"" name:"fhir" help:"Read residents and their care from FHIR R4 bundles."`
}

// SchemaCommands look at the graph's schema.
type SchemaCommands struct {
	Print SchemaPrintCommand `cmd:"" help:"Write the graph's schema (SDL) to the standard output."`
}

// KeyCommands are about API keys.
type KeyCommands struct {
	Create KeyCreateCommand `cmd:"" help:"Make an API key and write it to the standard output, once."`
	List   KeyListCommand   `cmd:"" help:"List the keys: whose they are and when they were last used."`
	Revoke KeyRevokeCommand `cmd:"" help:"Revoke a key for good."`
}

// UserCommands are about the people who use the system.
type UserCommands struct {
	Create     UserCreateCommand     `cmd:"" help:"Add a person."`
	List       UserListCommand       `cmd:"" help:"List the people who may sign in, and those who have left."`
	SetRole    UserSetRoleCommand    `cmd:"" help:"Give a person another role."`
	SetSubject UserSetSubjectCommand `cmd:"" help:"Say who a person is at the identity provider."`
	Activate   UserActivateCommand   `cmd:"" help:"Let somebody in again who had left."`
	Deactivate UserDeactivateCommand `cmd:"" help:"Let somebody in no more: keys and tokens stop working at once."`
}

// AuditCommands are about the record of who did what.
type AuditCommands struct {
	Verify AuditVerifyCommand `cmd:"" help:"Check the chain of events, and that every row is what its last event says."`
	Export AuditExportCommand `cmd:"" help:"Write the events to the standard output."`
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

// Identity says by what people and programs tell who they are.
type Identity struct {
	AdminKeyFile   File       `placeholder:"FILE" help:"The file of an administrator's key. The first start of a home without keys makes one and writes it there, for its owner alone to read; a key that is there already is taken in."`
	OIDCIssuer     Issuer     `name:"oidc-issuer" placeholder:"URL" help:"The OpenID Connect provider whose tokens are good, as they name it, such as https://login.example.org/realms/home."`
	OIDCAudience   string     `name:"oidc-audience" placeholder:"NAME" help:"What its tokens must be meant for; needed with --oidc-issuer."`
	OIDCAlgorithms Algorithms `name:"oidc-algorithms" default:"RS256,ES256" placeholder:"LIST" help:"By what its tokens may be signed: of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA."`
	OIDCRoleClaim  string     `name:"oidc-role-claim" placeholder:"NAME" help:"The claim that tells a person's role, such as role or realm_access.roles; without it the person's account tells."`
	OIDCRoles      RoleMap    `name:"oidc-roles" placeholder:"LIST" help:"What that claim's values stand for, such as grp-care=CARER,grp-head=MANAGER; without it they are the roles' own names."`
}

// Edge says how the network reaches the server.
type Edge struct {
	TLSCert        File    `name:"tls-cert" placeholder:"FILE" help:"The certificate to answer by TLS with, and those between it and its root (PEM). Read anew when it changes."`
	TLSKey         File    `name:"tls-key" placeholder:"FILE" help:"The certificate's private key (PEM)."`
	PlainHTTP      bool    `name:"plain-http" help:"Answer without TLS on an address that other machines can reach: where a proxy before this server speaks TLS, or the network is one of trusted machines alone, as that of a group of containers."`
	TrustedProxies Proxies `placeholder:"LIST" help:"The proxies before this server, as addresses or networks such as 10.0.0.0/8: what their X-Forwarded-For says is believed when failed attempts are counted."`
	AllowOrigin    Origins `placeholder:"LIST" help:"The sites whose pages may ask, such as https://app.example.org, or the name by which a proxy on this machine is reached."`
}

// Limits are how much may be asked for at once, and who may ask for what.
type Limits struct {
	Body             int           `name:"limit-body" default:"1048576" placeholder:"BYTES" help:"The most that the body of a request, or a message over a WebSocket, may have." least:"1024" most:"67108864"`
	Tokens           int           `name:"limit-tokens" default:"2000" placeholder:"NUMBER" help:"Words and signs of a document." least:"10" most:"20000"`
	Depth            int           `name:"limit-depth" default:"12" placeholder:"NUMBER" help:"How deep fields may lie in one another." least:"1" most:"100"`
	Aliases          int           `name:"limit-aliases" default:"30" placeholder:"NUMBER" help:"Aliases in a document." least:"0" most:"1000"`
	RootFields       int           `name:"limit-root-fields" default:"20" placeholder:"NUMBER" help:"Fields at the root of an operation." least:"1" most:"1000"`
	Directives       int           `name:"limit-directives" default:"50" placeholder:"NUMBER" help:"Directives in a document." least:"0" most:"1000"`
	Conditions       int           `name:"limit-conditions" default:"200" placeholder:"NUMBER" help:"Conditions in the filters of an operation." least:"1" most:"5000"`
	Hops             int           `name:"limit-hops" default:"4" placeholder:"NUMBER" help:"Edges that a filter may follow in a row." least:"0" most:"20"`
	Cost             int           `name:"limit-cost" default:"50000" placeholder:"NUMBER" help:"Objects that an answer may hold." least:"100" most:"10000000"`
	ReportingCost    int           `name:"limit-reporting-cost" default:"500000" placeholder:"NUMBER" help:"Objects that an answer to the reporting role may hold." least:"100" most:"10000000"`
	Answer           int           `name:"limit-answer" default:"20000000" placeholder:"BYTES" help:"The most that an answer may have." least:"1024" most:"1000000000"`
	SocketOperations int           `name:"limit-socket-operations" default:"20" placeholder:"NUMBER" help:"Operations that may run over one WebSocket at a time." least:"1" most:"1000"`
	Time             time.Duration `name:"limit-time" default:"10s" placeholder:"TIME" help:"How long a query or a mutation may run." least:"1ms" most:"10m"`
	Rate             int           `name:"limit-rate" default:"1000000" placeholder:"NUMBER" help:"The cost, in objects, that each viewer may ask for in a second, in the long run; 0 for any." least:"0" most:"100000000"`
	Introspection    bool          `default:"true" negatable:"" help:"Let viewers ask for the schema; tools and the page to try the graph with need it."`
	TrustedDocuments File          `placeholder:"FILE" help:"Answer only the documents of this manifest: a JSON object of documents by their ids, or Apollo's list of operations."`
}

// ServeCommand has the settings of serve.
type ServeCommand struct {
	Database
	Listen          Address       `default:"127.0.0.1:5000" placeholder:"HOST:PORT" help:"The address to answer on. One that other machines can reach needs a key or an identity provider, and TLS or --plain-http."`
	Demo            bool          `help:"Serve a made-up home, which is made on the first start; unless --database says otherwise its file is demo.db."`
	Playground      bool          `default:"true" negatable:"" help:"Serve the page to try the graph with at /, and the documentation of the graph at /docs."`
	Reads           string        `default:"strict" enum:"strict,relaxed" placeholder:"MODE" help:"Whether a query may see what is not safe from a power cut yet: strict, never; relaxed, for some milliseconds."`
	ReadOnly        bool          `help:"Refuse every change, for instance to look at a restored copy. The database must exist and be up to date."`
	ShutdownTimeout time.Duration `default:"8s" placeholder:"TIME" help:"How long requests under way may take to finish when the server is told to stop." least:"1s" most:"10m"`
	Identity
	Edge
	NewHome
	Durability
	Limits
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

// KeyCreateCommand has the settings of key create.
type KeyCreateCommand struct {
	Database
	NewHome
	User     string `noenv:"" placeholder:"WHO" help:"In whose name the key asks: an email address, or an id such as stf_3. The home's first administrator if left out."`
	Name     string `noenv:"" default:"Made on the command line" placeholder:"TEXT" help:"What the key is for."`
	ReadOnly bool   `noenv:"" help:"The key can only read."`
	Days     int    `noenv:"" default:"0" placeholder:"NUMBER" help:"After how many days it expires; 0 means never." least:"0" most:"3650"`
	JSON     bool   `name:"json" noenv:"" help:"Write the key and what belongs to it as JSON, for programs."`
	Log
}

// KeyListCommand has the settings of key list.
type KeyListCommand struct {
	Database
	JSON bool `name:"json" noenv:"" help:"Write them as JSON, for programs."`
	Log
}

// KeyRevokeCommand has the settings of key revoke.
type KeyRevokeCommand struct {
	Key string `arg:"" help:"The key's id, such as key_3, or how it begins, such as carehome_k3v7qd2a."`
	Database
	Log
}

// UserCreateCommand has the settings of user create.
type UserCreateCommand struct {
	Name  string `arg:"" help:"The person's name."`
	Email string `arg:"" help:"The address for signing in."`
	Role  string `arg:"" enum:"ADMIN,MANAGER,NURSE,CARER,ACTIVITY_COORDINATOR,REPORTING,FAMILY,SYSADMIN" help:"What the person may see and do: see carehome access."`
	Database
	NewHome
	Subject   string `noenv:"" placeholder:"TEXT" help:"Who the person is at the identity provider (the claim sub); if left out, a verified address tells."`
	SeesNames bool   `noenv:"" help:"Somebody of the role REPORTING sees names, which are masked otherwise."`
	Log
}

// UserListCommand has the settings of user list.
type UserListCommand struct {
	Database
	JSON bool `name:"json" noenv:"" help:"Write them as JSON, for programs."`
	Log
}

// UserSetRoleCommand has the settings of user set-role.
type UserSetRoleCommand struct {
	User string `arg:"" help:"An email address, or an id such as stf_3."`
	Role string `arg:"" enum:"ADMIN,MANAGER,NURSE,CARER,ACTIVITY_COORDINATOR,REPORTING,FAMILY,SYSADMIN" help:"What the person may see and do from now on: see carehome access."`
	Database
	SeesNames bool `noenv:"" help:"Somebody of the role REPORTING sees names, which are masked otherwise."`
	Log
}

// UserSetSubjectCommand has the settings of user set-subject.
type UserSetSubjectCommand struct {
	User    string `arg:"" help:"An email address, or an id such as stf_3."`
	Subject string `arg:"" optional:"" help:"The claim sub of the person's tokens; none if left out."`
	Database
	Log
}

// UserActivateCommand has the settings of user activate.
type UserActivateCommand struct {
	User string `arg:"" help:"An email address, or an id such as stf_3."`
	Database
	Log
}

// UserDeactivateCommand has the settings of user deactivate.
type UserDeactivateCommand struct {
	User string `arg:"" help:"An email address, or an id such as stf_3."`
	Database
	Log
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
	TLSCert File          `name:"tls-cert" placeholder:"FILE" help:"The server's certificate, where it has one: then it is asked by TLS."`
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

// Issuer is the address of an OpenID Connect provider.
type Issuer string

// Algorithms are names of algorithms for signatures.
type Algorithms []string

// RoleMap says what role a value stands for.
type RoleMap map[string]string

// Proxies are networks, of one address or more.
type Proxies []netip.Prefix

// Origins are sites as browsers name them: scheme://host[:port], in lower case and
// without the scheme's own port.
type Origins []string

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
