package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func TestDefaults(t *testing.T) {
	c, err := Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Serve
	for name, tc := range map[string]struct{ got, want any }{
		"command":          {c.Command, Serve},
		"listen":           {s.Listen, Address("127.0.0.1:5000")},
		"database":         {s.Database.Database, File("carehome.db")},
		"durability":       {s.Durability.Durability, "group"},
		"reads":            {s.Reads, "strict"},
		"log format":       {s.LogFormat, "auto"},
		"log level":        {s.LogLevel, "info"},
		"shutdown timeout": {s.ShutdownTimeout, 8 * time.Second},
		"playground":       {s.Playground, true},
		"progress":         {s.Progress.Progress, true},
		"demo":             {s.Demo, false},
		"read only":        {s.ReadOnly, false},
		"plain HTTP":       {s.PlainHTTP, false},
		"algorithms":       {strings.Join(s.OIDCAlgorithms, " "), "RS256 ES256"},
		"introspection":    {s.Introspection, true},
		"trusted":          {s.TrustedDocuments, File("")},
		"time zone":        {s.TimeZone, Zone("UTC")},
	} {
		if tc.got != tc.want {
			t.Errorf("%s is %v, want %v", name, tc.got, tc.want)
		}
	}
}

func TestPrecedence(t *testing.T) {
	for name, tc := range map[string]struct {
		args, environ []string
		want          func(*Config) any
		value         any
	}{
		"Default":          {nil, nil, func(c *Config) any { return c.Serve.LogLevel }, "info"},
		"Environment":      {nil, []string{"CAREHOME_LOG_LEVEL=debug"}, func(c *Config) any { return c.Serve.LogLevel }, "debug"},
		"EnvironmentEmpty": {nil, []string{"CAREHOME_LOG_LEVEL="}, func(c *Config) any { return c.Serve.LogLevel }, "info"},
		"Flag":             {[]string{"--log-level", "warn"}, []string{"CAREHOME_LOG_LEVEL=debug"}, func(c *Config) any { return c.Serve.LogLevel }, "warn"},
		"FlagJoined":       {[]string{"--log-level=warn"}, nil, func(c *Config) any { return c.Serve.LogLevel }, "warn"},
		"BoolEnvironment":  {nil, []string{"CAREHOME_PLAYGROUND=false"}, func(c *Config) any { return c.Serve.Playground }, false},
		"BoolFlagWins":     {[]string{"--playground"}, []string{"CAREHOME_PLAYGROUND=false"}, func(c *Config) any { return c.Serve.Playground }, true},
		"BoolNegated":      {[]string{"--no-playground"}, []string{"CAREHOME_PLAYGROUND=true"}, func(c *Config) any { return c.Serve.Playground }, false},
		"BoolValue":        {[]string{"--demo=true"}, nil, func(c *Config) any { return c.Serve.Demo }, true},
		"Duration":         {nil, []string{"CAREHOME_SHUTDOWN_TIMEOUT=1m"}, func(c *Config) any { return c.Serve.ShutdownTimeout }, time.Minute},
		"Number":           {[]string{"seed", "--residents", "7"}, []string{"CAREHOME_RESIDENTS=9"}, func(c *Config) any { return c.Seed.Residents }, 7},
		"BigSeed":          {[]string{"seed", "--seed", "18446744073709551615"}, nil, func(c *Config) any { return c.Seed.Seed }, uint64(1<<64 - 1)},
		"BeforeCommand":    {[]string{"--database", "x.db", "migrate"}, nil, func(c *Config) any { return c.Migrate.Database.Database }, File("x.db")},
		"AfterCommand":     {[]string{"migrate", "--database", "x.db"}, nil, func(c *Config) any { return c.Migrate.Database.Database }, File("x.db")},
		"BetweenWords":     {[]string{"import", "--database", "x.db", "fhir", "a.json"}, nil, func(c *Config) any { return c.Import.FHIR.Database.Database }, File("x.db")},
		"KeeperListen":     {[]string{"keeper"}, nil, func(c *Config) any { return c.Keeper.Listen }, Address("127.0.0.1:5001")},
		"KeeperEverywhere": {[]string{"keeper"}, []string{"CAREHOME_LISTEN=0.0.0.0:5000"}, func(c *Config) any { return c.Keeper.Listen }, Address("0.0.0.0:5000")},
		"DemoFile":         {[]string{"--demo"}, nil, func(c *Config) any { return c.Serve.Database.Database }, File("demo.db")},
		"DemoNamed":        {[]string{"--demo", "--database", "x.db"}, nil, func(c *Config) any { return c.Serve.Database.Database }, File("x.db")},
		"DemoEnvironment":  {[]string{"--demo"}, []string{"CAREHOME_DATABASE=x.db"}, func(c *Config) any { return c.Serve.Database.Database }, File("x.db")},
		"DemoSameAsUsual":  {[]string{"--demo", "--database", "carehome.db"}, nil, func(c *Config) any { return c.Serve.Database.Database }, File("carehome.db")},
		"Open":             {[]string{"--listen", "0.0.0.0:5000"}, nil, func(c *Config) any { return c.Serve.Listen }, Address("0.0.0.0:5000")},
		"Issuer":           {[]string{"--oidc-audience", "home"}, []string{"CAREHOME_OIDC_ISSUER=https://login.example.org/realms/home"}, func(c *Config) any { return c.Serve.OIDCIssuer }, Issuer("https://login.example.org/realms/home")},
		"IssuerHere":       {[]string{"--oidc-audience", "home", "--oidc-issuer", "http://127.0.0.1:9"}, nil, func(c *Config) any { return c.Serve.OIDCIssuer }, Issuer("http://127.0.0.1:9")},
		"Algorithms":       {[]string{"--oidc-algorithms", "PS256, EdDSA"}, nil, func(c *Config) any { return strings.Join(c.Serve.OIDCAlgorithms, " ") }, "PS256 EdDSA"},
		"Roles":            {[]string{"--oidc-issuer", "https://x", "--oidc-audience", "y", "--oidc-role-claim", "groups", "--oidc-roles", "cn=a=CARER,b=ADMIN"}, nil, func(c *Config) any { return fmt.Sprint(c.Serve.OIDCRoles) }, "map[b:ADMIN cn=a:CARER]"},
		"Origins":          {nil, []string{"CAREHOME_ALLOW_ORIGIN=https://App.example.org:443, http://localhost:3000/"}, func(c *Config) any { return strings.Join(c.Serve.AllowOrigin, " ") }, "https://app.example.org http://localhost:3000"},
		"Proxies":          {[]string{"--trusted-proxies", "10.1.2.3/8,::1"}, nil, func(c *Config) any { return fmt.Sprint(c.Serve.TrustedProxies) }, "[10.0.0.0/8 ::1/128]"},
		"KeyFor":           {[]string{"key", "create", "--user", "a@b", "--days", "90"}, nil, func(c *Config) any { return c.Key.Create.Days }, 90},
		"UserRole":         {[]string{"user", "create", "Ana López", "a@b", "NURSE"}, nil, func(c *Config) any { return c.User.Create.Name + c.User.Create.Role }, "Ana LópezNURSE"},
		"NoMetrics":        {nil, nil, func(c *Config) any { return c.Serve.MetricsListen }, Address("")},
		"Metrics":          {nil, []string{"CAREHOME_METRICS_LISTEN=0.0.0.0:5002"}, func(c *Config) any { return c.Serve.MetricsListen }, Address("0.0.0.0:5002")},
		"KeeperMetrics":    {[]string{"keeper", "--metrics-listen", ":5002"}, nil, func(c *Config) any { return c.Keeper.MetricsListen }, Address(":5002")},
		"TestVariables":    {nil, []string{"CAREHOME_TEST_URL=http://x"}, func(c *Config) any { return c.Command }, Serve},
		"EmptyVariable":    {nil, []string{"CAREHOME_LISTN="}, func(c *Config) any { return c.Command }, Serve},
		"OtherVariables":   {nil, []string{"PATH=/bin", "CARE=1"}, func(c *Config) any { return c.Command }, Serve},
		// A value that is wrong for another command is none of this one's business.
		"OtherCommandsValue": {[]string{"version"}, []string{"CAREHOME_DURABILITY=nope"}, func(c *Config) any { return c.Command }, Version},
		"DashFile":           {[]string{"import", "fhir", "--", "--odd.json"}, nil, func(c *Config) any { return strings.Join(c.Import.FHIR.Files, "|") }, "--odd.json"},
		"Files":              {[]string{"import", "fhir", "a.json", "--json", "b.json.gz"}, nil, func(c *Config) any { return strings.Join(c.Import.FHIR.Files, "|") }, "a.json|b.json.gz"},
		"FileLikeCommand":    {[]string{"verify", "version"}, nil, func(c *Config) any { return c.Verify.File }, File("version")},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse(tc.args, tc.environ)
			if err != nil {
				t.Fatal(err)
			}
			if got := tc.want(c); got != tc.value {
				t.Errorf("got %v, want %v", got, tc.value)
			}
		})
	}
}

func TestCommands(t *testing.T) {
	for line, want := range map[string]Command{
		"": Serve, "serve": Serve, "--demo": Serve, "migrate --status": Migrate, "seed": Seed, "import fhir x": ImportFHIR,
		"key create": KeyCreate, "key list": KeyList, "key revoke key_1": KeyRevoke, "user create a b CARER": UserCreate, "user list": UserList,
		"user set-role a CARER": UserSetRole, "user set-subject a": UserSetSubject, "user activate a": UserActivate, "user deactivate a": UserDeactivate,
		"access": Access, "schema print": SchemaPrint, "keeper": Keeper, "backup": Backup, "restore x": Restore, "verify": Verify,
		"verify x": Verify, "audit verify": AuditVerify, "audit export x": AuditExport, "healthcheck": Healthcheck, "version --json": Version,
		"--help": Help, "-h": Help, "serve -h": Help, "import --help": Help, "import fhir -h": Help, "schema print --help": Help,
	} {
		c, err := Parse(strings.Fields(line), nil)
		if err != nil {
			t.Errorf("%q: %v", line, err)
		} else if c.Command != want {
			t.Errorf("%q is %q, want %q", line, c.Command, want)
		}
	}
}

func TestProblems(t *testing.T) {
	for name, tc := range map[string]struct {
		line    string
		environ []string
		usage   bool
		want    []string
	}{
		"ErrUnknownFlag":        {"--lisen x", nil, true, []string{"There is no flag --lisen; did you mean --listen?"}},
		"ErrUnknownFlagFar":     {"--zzzzzzzz", nil, true, []string{"There is no flag --zzzzzzzz."}},
		"ErrUnknownCommand":     {"migrat", nil, true, []string{`There is no command "migrat"; did you mean migrate?`}},
		"ErrUnknownSecondWord":  {"import fihr x", nil, true, []string{`There is no command "import fihr"; did you mean fhir?`}},
		"ErrSecondWordMissing":  {"schema", nil, true, []string{"schema needs one more word: print."}},
		"ErrFileMissing":        {"import fhir", nil, true, []string{"import fhir needs <file>."}},
		"ErrBackupMissing":      {"restore", nil, true, []string{"restore needs <backup>."}},
		"ErrWordTooMany":        {"migrate now", nil, true, []string{`migrate does not take "now".`}},
		"ErrValueMissing":       {"--listen", nil, true, []string{"--listen needs a value."}},
		"ErrValueMissingBefore": {"--listen --demo", nil, true, []string{"--listen needs a value."}},
		"ErrOtherCommandsFlag": {"schema print --backup-keep 3", nil, true,
			[]string{"--backup-keep is not a flag of schema print, but of keeper."}},
		"ErrUnknownVariable": {"", []string{"CAREHOME_LISTN=x"}, false,
			[]string{"There is no setting CAREHOME_LISTN; did you mean CAREHOME_LISTEN?"}},
		"ErrActIsNoSetting": {"version", []string{"CAREHOME_JSON=1"}, false,
			[]string{"There is no setting CAREHOME_JSON."}},
		"ErrNoAudience":  {"--oidc-issuer https://login.example.org", nil, false, []string{"--oidc-issuer needs --oidc-audience: tokens that are meant for somebody else must not be good here."}},
		"ErrNoIssuer":    {"--oidc-role-claim role", nil, false, []string{"The settings of the identity provider need --oidc-issuer."}},
		"ErrNoRoleClaim": {"--oidc-roles a=CARER", nil, false, []string{"--oidc-roles needs --oidc-role-claim."}},
		"ErrIssuerPlain": {"--oidc-audience x --oidc-issuer http://login.example.org", nil, false, []string{`--oidc-issuer is "http://login.example.org", but it must begin with https://.`}},
		"ErrIssuerWord":  {"--oidc-audience x --oidc-issuer login", nil, false, []string{`--oidc-issuer is "login", but an issuer looks like https://login.example.org/realms/home.`}},
		"ErrIssuerPassword": {"--oidc-audience x --oidc-issuer https://user:secret@login.example.org/home", nil, false,
			[]string{`--oidc-issuer is "https://…@login.example.org/home", but an issuer looks like https://login.example.org/realms/home.`}},
		"ErrIssuerOddPassword": {"--oidc-audience x", []string{"CAREHOME_OIDC_ISSUER=https://user:se/c@r?e#t@login.example.org"}, false,
			[]string{`CAREHOME_OIDC_ISSUER is "https://…@login.example.org", but an issuer looks like https://login.example.org/realms/home.`}},
		"ErrIssuerBarePassword": {"--oidc-audience x --oidc-issuer user:secret@login.example.org", nil, false,
			[]string{`--oidc-issuer is "…@login.example.org", but an issuer looks like https://login.example.org/realms/home.`}},
		"ErrOriginPassword": {"--allow-origin https://a.example.org,https://user:secret@b.example.org", nil, false,
			[]string{`--allow-origin is "https://…@b.example.org", but it takes a list of sites, each by its whole name, such as https://app.example.org.`}},
		"ErrSharedSecret": {"--oidc-algorithms HS256", nil, false, []string{`--oidc-algorithms is "HS256", but it can only have RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA.`}},
		"ErrNone":         {"", []string{"CAREHOME_OIDC_ALGORITHMS=RS256,none"}, false, []string{`CAREHOME_OIDC_ALGORITHMS is "RS256,none", but it can only have RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA.`}},
		"ErrTLSKey":       {"--tls-cert c.pem", nil, false, []string{"--tls-cert needs --tls-key."}},
		"ErrTLSCert":      {"--tls-key k.pem", nil, false, []string{"--tls-key needs --tls-cert."}},
		"ErrPlainTLS":     {"--tls-key k.pem --tls-cert c.pem --plain-http", nil, false, []string{"--plain-http and --tls-cert do not go together."}},
		"ErrEveryOrigin":  {"--allow-origin *", nil, false, []string{`--allow-origin is "*", but it takes a list of sites, each by its whole name, such as https://app.example.org.`}},
		"ErrNullOrigin":   {"--allow-origin null", nil, false, []string{`--allow-origin is "null", but it takes a list of sites, each by its whole name, such as https://app.example.org.`}},
		"ErrOriginStar":   {"--allow-origin https://*.example.org", nil, false, []string{`--allow-origin is "https://*.example.org", but it takes a list of sites, each by its whole name, such as https://app.example.org.`}},
		"ErrOriginPath":   {"--allow-origin https://example.org/app", nil, false, []string{`--allow-origin is "https://example.org/app", but it takes a list of sites, each by its whole name, such as https://app.example.org.`}},
		"ErrProxies":      {"--trusted-proxies nginx", nil, false, []string{`--trusted-proxies is "nginx", but it takes a list of addresses or networks, such as 127.0.0.1,10.0.0.0/8.`}},
		"ErrRole":         {"user create a b KING", nil, false, []string{`<role> is "KING", but it can only be ADMIN, MANAGER, NURSE, CARER, ACTIVITY_COORDINATOR, REPORTING, FAMILY, SYSADMIN.`}},
		"ErrNoUser":       {"user deactivate", nil, true, []string{"user deactivate needs <user>."}},
		"ErrReadOnlyDemo": {"--read-only --demo", nil, false, []string{"A made-up home has to be written: --demo and --read-only do not go together."}},
		"ErrPostgres":     {"--database postgres://u@h/d", nil, false, []string{`--database is "postgres://…@h/d", but PostgreSQL is not supported yet: name a file for SQLite.`}},
		"ErrURL":          {"--database file:x.db", nil, false, []string{`--database is "file:x.db", but it takes the path of a file, not a URL.`}},
		"ErrMemory":       {"--database :memory:", nil, false, []string{`--database is ":memory:", but what is only in memory is lost at the end: name a file.`}},
		"ErrQuestionMark": {"--database x.db?mode=ro", nil, false, []string{`--database is "x.db?mode=ro", but the path must do without ? and #.`}},
		"ErrFolder":       {"--database data/", nil, false, []string{`--database is "data/", but it takes the path of a file.`}},
		"ErrZone":         {"--time-zone Madrid", nil, false, []string{`--time-zone is "Madrid", but a time zone looks like Europe/Madrid.`}},
		"ErrBool":         {"", []string{"CAREHOME_DEMO=maybe"}, false, []string{`CAREHOME_DEMO is "maybe", but it is either true or false.`}},
		"ErrRange":        {"seed --residents 2001", nil, false, []string{`--residents is "2001", but it must be from 1 to 2000.`}},
		"ErrNegative":     {"seed --days -1", nil, false, []string{`--days is "-1", but it must be from 1 to 3650.`}},
		"ErrDuration":     {"--shutdown-timeout 5", nil, false, []string{`--shutdown-timeout is "5", but it takes a length of time such as 8s or 10m.`}},
		"ErrPort":         {"--listen 127.0.0.1:65536", nil, false, []string{`--listen is "127.0.0.1:65536", but its port must be a number from 0 to 65535.`}},
		"ErrAll": {
			"serv --lisen x --listen 0.0.0.0:80 --durability fast --database postgres://h --shutdown-timeout 0s",
			[]string{"CAREHOME_LOG_LEVEL=loud", "CAREHOME_READS=never", "CAREHOME_DURABLE=1", "CAREHOME_DATABASE=ignored://"}, true,
			[]string{
				"There is no flag --lisen; did you mean --listen?",
				`There is no command "serv"; did you mean serve?`,
				`--durability is "fast", but it can only be group, full, relaxed.`,
				`--database is "postgres://h", but PostgreSQL is not supported yet: name a file for SQLite.`,
				`--shutdown-timeout is "0s", but it must be from 1s to 10m.`,
				`CAREHOME_READS is "never", but it can only be strict, relaxed.`,
				`CAREHOME_LOG_LEVEL is "loud", but it can only be debug, info, warn, error.`,
				"There is no setting CAREHOME_DURABLE; did you mean CAREHOME_DURABILITY?",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse(strings.Fields(tc.line), tc.environ)
			var wrong *Error
			if !errors.As(err, &wrong) {
				t.Fatalf("got %+v and the error %v", c, err)
			}
			if wrong.Usage != tc.usage {
				t.Errorf("Usage is %v", wrong.Usage)
			}
			if !slices.Equal(wrong.Problems, tc.want) {
				t.Errorf("got\n%s\nwant\n%s", err, strings.Join(tc.want, "\n"))
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[Address]bool{
		"127.0.0.1:5000": true, "127.8.8.8:1": true, "[::1]:5000": true, "localhost:5000": true, "LOCALHOST:1": true, "[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:5000": false, ":5000": false, "[::]:5000": false, "192.168.1.4:5000": false, "example.org:80": false, "localhost.example.org:80": false, "localhost": false,
	} {
		if address.Loopback() != want {
			t.Errorf("%s: Loopback is %v", address, !want)
		}
	}
}

// TestEverySetting is the guard over the settings: each is explained, has one
// meaning wherever it appears, and shows flag, variable and default in the help.
func TestEverySetting(t *testing.T) {
	p, err := newParser(nil)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]reflect.Type{}
	var names []string
	walk(p.kong.Model.Node, func(n *kong.Node) {
		if n.Help == "" && n.Parent != nil {
			t.Errorf("the command %s is not explained", n.Path())
		}
		for _, flag := range n.Flags {
			names = append(names, flag.Name)
			if !strings.HasSuffix(flag.Help, ".") {
				t.Errorf("--%s of %s is not explained in a sentence", flag.Name, n.Path())
			}
			if before, ok := kinds[flag.Name]; ok && before != flag.Target.Type() {
				t.Errorf("--%s is a %s and a %s", flag.Name, before, flag.Target.Type())
			}
			kinds[flag.Name] = flag.Target.Type()
		}
		if n.Parent != nil && len(n.Children) == 0 {
			c, err := Parse(append(strings.Fields(n.Path()), "--help"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(c.HelpText, "Examples:\n\n    ") {
				t.Errorf("the help of %s has no examples:\n%s", n.Path(), c.HelpText)
			}
			text := strings.Join(strings.Fields(c.HelpText), " ")
			for _, flag := range n.Flags {
				if flag.HasDefault && !strings.Contains(text, "Default: "+flag.Default+".") ||
					!strings.Contains(text, flag.Name) || !strings.Contains(text, variable(flag.Value)) {
					t.Errorf("the help of %s lacks --%s, its default or its variable", n.Path(), flag.Name)
				}
			}
		}
	})
	if !slices.Contains(names, "listen") {
		t.Fatal("the settings were not found")
	}
}
