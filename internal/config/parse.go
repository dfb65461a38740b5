package config

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
)

// envPrefix leads the name of every environment variable that is a setting;
// testPrefix leads those that are left to the tests of the program.
const (
	envPrefix  = "CAREHOME_"
	testPrefix = "CAREHOME_TEST_"
)

// Error is everything that is wrong with a command line and its environment.
type Error struct {
	// Usage is true where the command line itself cannot be understood (an
	// unknown command, flag or a missing argument), false where it can, but a
	// setting's value is no good.
	Usage bool
	// Problems are sentences for a person, in the order they were found.
	Problems []string
}

// Error is the problems, one a line.
func (e *Error) Error() string { return strings.Join(e.Problems, "\n") }

// errHelp ends parsing where an explanation was asked for.
var errHelp = errors.New("help was asked for")

// helpFlag is --help, which ends parsing with the explanation.
type helpFlag bool

// IgnoreDefault makes --help without a command explain the whole program
// rather than the command that stands in.
func (helpFlag) IgnoreDefault() {}

// BeforeReset is called by kong before any value is judged.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	if err := ctx.PrintUsage(false); err != nil {
		return fmt.Errorf("printing the help: %w", err)
	}
	return errHelp
}

// grammar is what kong reads: the settings and --help.
type grammar struct {
	Help   helpFlag `short:"h" noenv:"" help:"Explain the command and its settings, with examples."`
	Config `embed:""`
}

// Parse reads the arguments (without the program's name) and the environment
// ("NAME=value"). A flag wins over its environment variable, which wins over
// the default; an empty variable counts as absent. Everything that is wrong
// comes back in one *Error; any other error is a fault of the program.
func Parse(args, environ []string) (*Config, error) {
	p, err := newParser(environ)
	if err != nil {
		return nil, err
	}
	ctx, err := p.kong.Parse(p.arrange(args))
	if errors.Is(err, errHelp) {
		return &Config{Command: Help, HelpText: p.help.String()}, nil
	}
	p.unknownVariables()
	cfg := &p.grammar.Config
	switch {
	case err == nil:
		cfg.choose(ctx)
		p.judge(cfg)
	case !p.isUsage:
		// What arrange leaves, kong understands.
		return nil, fmt.Errorf("reading the command line: %w", err)
	}
	if len(p.problems) > 0 {
		return nil, &Error{Usage: p.isUsage, Problems: p.problems}
	}
	return cfg, nil
}

// choose notes the command and the defaults that depend on other settings.
func (c *Config) choose(ctx *kong.Context) {
	var words []string
	given := map[string]bool{}
	for _, step := range ctx.Path {
		if step.Command != nil {
			words = append(words, step.Command.Name)
		}
		if step.Flag != nil {
			given[step.Flag.Name] = true
		}
	}
	c.Command = Command(strings.Join(words, " "))
	if c.Command == Serve && c.Serve.Demo && !given["database"] {
		c.Serve.Database.Database = DemoDatabase
	}
}

// judge finds settings that do not go together.
func (p *parser) judge(c *Config) {
	if c.Command != Serve {
		return
	}
	s := c.Serve
	for _, pair := range []struct {
		given, lacks bool
		text         string
	}{
		{s.OIDCIssuer != "", s.OIDCAudience == "", "--oidc-issuer needs --oidc-audience: tokens that are meant for somebody else must not be good here."},
		{s.OIDCAudience != "" || s.OIDCRoleClaim != "", s.OIDCIssuer == "", "The settings of the identity provider need --oidc-issuer."},
		{len(s.OIDCRoles) > 0, s.OIDCRoleClaim == "", "--oidc-roles needs --oidc-role-claim."},
		{s.TLSCert != "", s.TLSKey == "", "--tls-cert needs --tls-key."},
		{s.TLSKey != "", s.TLSCert == "", "--tls-key needs --tls-cert."},
		{s.TLSCert != "", s.PlainHTTP && s.TLSKey != "", "--plain-http and --tls-cert do not go together."},
	} {
		if pair.given && pair.lacks {
			p.problem("%s", pair.text)
		}
	}
	if s.ReadOnly && s.Demo {
		p.problem("A made-up home has to be written: --demo and --read-only do not go together.")
	}
}

// parser reads one command line and gathers what is wrong with it.
type parser struct {
	grammar  *grammar
	kong     *kong.Kong
	help     bytes.Buffer
	environ  map[string]string // the variables of ours that are not empty
	fromEnv  map[*kong.Flag]bool
	bad      map[string]bool // the names of the settings whose values are no good
	problems []string
	isUsage  bool
}

func newParser(environ []string) (*parser, error) {
	p := &parser{grammar: new(grammar), environ: map[string]string{}, fromEnv: map[*kong.Flag]bool{}, bad: map[string]bool{}}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, envPrefix) && value != "" {
			p.environ[name] = value
		}
	}
	var err error
	p.kong, err = kong.New(p.grammar,
		kong.Name("carehome"),
		kong.Description(description),
		kong.NoDefaultHelp(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: false}),
		kong.ValueFormatter(explain),
		kong.Writers(&p.help, &p.help),
		kong.Exit(func(int) {}),
		kong.Resolvers(kong.ResolverFunc(p.fromEnvironment)),
		kong.KindMapper(reflect.String, gather{p, readText}),
		kong.KindMapper(reflect.Int, gather{p, readInt}),
		kong.KindMapper(reflect.Uint64, gather{p, readUint64}),
		kong.KindMapper(reflect.Bool, boolGather{gather{p, readBool}}),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), gather{p, readDuration}),
		kong.TypeMapper(reflect.TypeFor[Address](), gather{p, readAddress}),
		kong.TypeMapper(reflect.TypeFor[File](), gather{p, readFile}),
		kong.TypeMapper(reflect.TypeFor[Folder](), gather{p, readFolder}),
		kong.TypeMapper(reflect.TypeFor[Zone](), gather{p, readZone}),
		kong.TypeMapper(reflect.TypeFor[Digest](), gather{p, readDigest}),
		kong.TypeMapper(reflect.TypeFor[Issuer](), gather{p, readIssuer}),
		kong.TypeMapper(reflect.TypeFor[Algorithms](), gather{p, readAlgorithms}),
		kong.TypeMapper(reflect.TypeFor[RoleMap](), gather{p, readRoleMap}),
		kong.TypeMapper(reflect.TypeFor[Proxies](), gather{p, readProxies}),
		kong.TypeMapper(reflect.TypeFor[Origins](), gather{p, readOrigins}),
	)
	if err != nil {
		return nil, fmt.Errorf("building the command line: %w", err)
	}
	return p, nil
}

func (p *parser) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

func (p *parser) usage(format string, args ...any) {
	p.isUsage = true
	p.problem(format, args...)
}

// fromEnvironment is asked by kong for each flag that was not given.
func (p *parser) fromEnvironment(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	value, ok := p.environ[variable(flag.Value)]
	if !ok {
		return nil, nil
	}
	p.fromEnv[flag] = true
	return value, nil
}

// variable is the name of a flag's environment variable, or empty for a flag
// that asks for something once and is no setting.
func variable(v *kong.Value) string {
	if v.Flag == nil || v.Tag.Has("noenv") {
		return ""
	}
	return envPrefix + strings.ToUpper(strings.ReplaceAll(v.Name, "-", "_"))
}

// explain is a setting's text in the help.
func explain(v *kong.Value) string {
	help := v.Help
	if least := v.Tag.Get("least"); least != "" {
		help += fmt.Sprintf(" From %s to %s.", least, v.Tag.Get("most"))
	}
	if v.Flag != nil && v.HasDefault {
		help += fmt.Sprintf(" Default: %s.", v.Default)
	}
	if name := variable(v); name != "" {
		help += fmt.Sprintf(" [%s]", name)
	}
	return help
}

// arrange sorts the arguments into the order command, flags, files, so that a
// flag means the same before and after the command's name, and takes out what
// no command knows, so that everything else can still be judged.
func (p *parser) arrange(args []string) []string {
	node := p.kong.Model.Node
	known, used := flagsBelow(node), map[string]*kong.Flag{}
	var flags, words []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			words = append(words, args[i+1:]...)
			break
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			if child := child(node, arg); child != nil && len(words) == 0 {
				node = child
			} else {
				words = append(words, arg)
			}
			continue
		}
		name, _, joined := strings.Cut(arg, "=")
		flag, follows := known[name], i+1 < len(args) && !strings.HasPrefix(args[i+1], "--")
		switch {
		case flag == nil:
			p.usage("There is no flag %s%s", name, suggest(name, slices.Collect(maps.Keys(known))))
			// What follows is most likely its value.
			if !joined && follows && child(node, args[i+1]) == nil {
				i++
			}
		case joined || flag.IsBool():
			used[name], flags = flag, append(flags, arg)
		case follows:
			i++
			used[name], flags = flag, append(flags, arg+"="+args[i])
		default:
			p.usage("%s needs a value.", name)
		}
	}
	if !flagged(used, "help") {
		node, words = p.complete(node, words)
	}
	var arranged []string
	for n := node; n.Parent != nil; n = n.Parent {
		arranged = append([]string{n.Name}, arranged...)
	}
	own := ownFlags(node)
	for _, text := range flags {
		name, _, _ := strings.Cut(text, "=")
		if _, ok := own[name]; !ok {
			p.usage("%s is not a flag of %s, but of %s.", name, node.Path(), strings.Join(p.commandsWith(name), ", "))
			continue
		}
		arranged = append(arranged, text)
	}
	return append(append(arranged, "--"), words...)
}

// complete finds the command that is meant where none was named, and what is
// missing or too much in the words after its name. It returns the words that
// the command can take.
func (p *parser) complete(node *kong.Node, words []string) (*kong.Node, []string) {
	if node.Parent == nil && len(words) == 0 {
		return node.DefaultCmd, nil
	}
	if len(node.Children) > 0 {
		var names []string
		for _, c := range node.Children {
			names = append(names, c.Name)
		}
		switch path := node.Path(); {
		case len(words) == 0:
			p.usage("%s needs one more word: %s.", path, strings.Join(names, " or "))
		case path == "":
			p.usage("There is no command %q%s", words[0], suggest(words[0], names))
		default:
			p.usage("There is no command \"%s %s\"%s", path, words[0], suggest(words[0], names))
		}
		// The settings are judged as those of the command that stands in.
		return p.kong.Model.DefaultCmd, nil
	}
	most := len(node.Positional)
	for i, arg := range node.Positional {
		if arg.Required && len(words) <= i {
			p.usage("%s needs <%s>.", node.Path(), arg.Name)
		}
		if arg.IsCumulative() {
			most = len(words)
		}
	}
	if len(words) > most {
		p.usage("%s does not take %q.", node.Path(), words[most])
		words = words[:most]
	}
	return node, words
}

// child is the command below n of that name, or nil.
func child(n *kong.Node, name string) *kong.Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// flagsBelow are all flags of n and the commands below it, as they are written.
func flagsBelow(n *kong.Node) map[string]*kong.Flag {
	all := map[string]*kong.Flag{}
	walk(n, func(n *kong.Node) { maps.Copy(all, spelled(n.Flags)) })
	return all
}

// ownFlags are the flags that n takes, as they are written.
func ownFlags(n *kong.Node) map[string]*kong.Flag {
	own := map[string]*kong.Flag{}
	for _, flags := range n.AllFlags(false) {
		maps.Copy(own, spelled(flags))
	}
	return own
}

func spelled(flags []*kong.Flag) map[string]*kong.Flag {
	names := map[string]*kong.Flag{}
	for _, flag := range flags {
		names["--"+flag.Name] = flag
		if flag.Tag.Negatable != "" {
			names["--no-"+flag.Name] = flag
		}
		if flag.Short != 0 {
			names["-"+string(flag.Short)] = flag
		}
	}
	return names
}

func flagged(used map[string]*kong.Flag, name string) bool {
	for _, flag := range used {
		if flag.Name == name {
			return true
		}
	}
	return false
}

// commandsWith names the commands that take a flag.
func (p *parser) commandsWith(name string) []string {
	var commands []string
	walk(p.kong.Model.Node, func(n *kong.Node) {
		if _, ok := spelled(n.Flags)[name]; ok {
			commands = append(commands, n.Path())
		}
	})
	return commands
}

// unknownVariables finds settings in the environment that do not exist.
func (p *parser) unknownVariables() {
	var known []string
	walk(p.kong.Model.Node, func(n *kong.Node) {
		for _, flag := range n.Flags {
			if name := variable(flag.Value); name != "" {
				known = append(known, name)
			}
		}
	})
	var unknown []string
	for name := range p.environ {
		if !strings.HasPrefix(name, testPrefix) && !slices.Contains(known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		p.problem("There is no setting %s%s", name, suggest(name, known))
	}
}

func walk(n *kong.Node, visit func(*kong.Node)) {
	visit(n)
	for _, child := range n.Children {
		walk(child, visit)
	}
}

// suggest ends a sentence about an unknown word, with the nearest of names where
// one is near.
func suggest(word string, names []string) string {
	slices.Sort(names)
	nearest, least, longest := "", 1+max(2, len(word)/4), 0
	for _, name := range names {
		d, same := levenshtein.ComputeDistance(word, name), shared(word, name)
		if d < least || d == least && nearest != "" && same > longest {
			nearest, least, longest = name, d, same
		}
	}
	if nearest == "" {
		return "."
	}
	return "; did you mean " + nearest + "?"
}

// shared is the length of the beginning that a and b have in common.
func shared(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// gather is a kong mapper that notes a value that is no good and goes on, so
// that the next one is judged as well. read puts the text into target, or says
// what it should have been.
type gather struct {
	p    *parser
	read func(v *kong.Value, target reflect.Value, text string) (complaint string)
}

// Decode takes the next token as the value.
func (g gather) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	token, err := ctx.Scan.PopValue("value")
	if err != nil {
		return err
	}
	g.take(ctx.Value, target, token.String())
	return nil
}

func (g gather) take(v *kong.Value, target reflect.Value, text string) {
	complaint := g.read(v, target, text)
	if v.Enum != "" && !slices.Contains(v.EnumSlice(), text) {
		complaint = "it can only be " + strings.Join(v.EnumSlice(), ", ")
		// kong would find the same and stop there: give it something it knows.
		target.SetString(v.EnumSlice()[0])
	}
	if complaint != "" {
		g.p.bad[v.Name] = true
		g.p.problem("%s is %q, but %s.", g.p.name(v), withoutPassword(v, text), complaint)
	}
}

// login is what stands before the host of an address: a name and, too often, a
// password. Of what looks like one more than once, all is taken.
var login = regexp.MustCompile(`(?s)(://).*@`)

// withoutPassword is a value as it may stand in a message, which goes to logs.
func withoutPassword(v *kong.Value, text string) string {
	text = login.ReplaceAllString(text, "$1…@")
	if _, rest, found := strings.Cut(text, "@"); found && v.Target.Type() == reflect.TypeFor[Issuer]() && !strings.Contains(text, "://") {
		return "…@" + rest // an address whose beginning was forgotten
	}
	return text
}

// boolGather lets a flag stand without a value.
type boolGather struct{ gather }

// IsBool tells kong that the value may be left out.
func (boolGather) IsBool() bool { return true }

// Decode takes the value where one is given with the flag.
func (g boolGather) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		target.SetBool(true)
		return nil
	}
	g.take(ctx.Value, target, ctx.Scan.Pop().String())
	return nil
}

// name is how a value was given: by its flag or by its environment variable.
func (p *parser) name(v *kong.Value) string {
	switch {
	case v.Flag == nil:
		return "<" + v.Name + ">"
	case p.fromEnv[v.Flag]:
		return variable(v)
	}
	return "--" + v.Name
}

func readText(_ *kong.Value, target reflect.Value, text string) string {
	target.SetString(text)
	return ""
}

func readBool(_ *kong.Value, target reflect.Value, text string) string {
	b, err := strconv.ParseBool(strings.ToLower(text))
	if err != nil {
		return "it is either true or false"
	}
	target.SetBool(b)
	return ""
}

func readInt(v *kong.Value, target reflect.Value, text string) string {
	n, err := strconv.Atoi(text)
	if err != nil {
		return "it takes a whole number"
	}
	target.SetInt(int64(n))
	return between(v, n, strconv.Atoi)
}

func readUint64(_ *kong.Value, target reflect.Value, text string) string {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return "it takes a whole number from 0 up"
	}
	target.SetUint(n)
	return ""
}

func readDuration(v *kong.Value, target reflect.Value, text string) string {
	d, err := time.ParseDuration(text)
	if err != nil {
		return "it takes a length of time such as 8s or 10m"
	}
	target.SetInt(int64(d))
	return between(v, d, time.ParseDuration)
}

// between checks a value against its setting's least and most.
func between[T cmp.Ordered](v *kong.Value, value T, parse func(string) (T, error)) string {
	least, most := v.Tag.Get("least"), v.Tag.Get("most")
	from, errFrom := parse(least)
	to, errTo := parse(most)
	if errFrom != nil || errTo != nil {
		return fmt.Sprintf("its bounds %q and %q are a mistake in the program", least, most)
	}
	if value < from || value > to {
		return fmt.Sprintf("it must be from %s to %s", least, most)
	}
	return ""
}

func readAddress(_ *kong.Value, target reflect.Value, text string) string {
	target.SetString(text)
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return "an address looks like 127.0.0.1:5000"
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "its port must be a number from 0 to 65535"
	}
	return ""
}

func readFile(_ *kong.Value, target reflect.Value, text string) string {
	target.SetString(text)
	scheme, _, isURL := strings.Cut(text, "://")
	switch {
	case isURL && strings.HasPrefix(scheme, "postgres"):
		return "PostgreSQL is not supported yet: name a file for SQLite"
	case isURL, strings.HasPrefix(text, "file:"):
		return "it takes the path of a file, not a URL"
	case text == ":memory:":
		return "what is only in memory is lost at the end: name a file"
	case strings.ContainsAny(text, "?#\x00"):
		return "the path must do without ? and #"
	case text == "" || strings.HasSuffix(text, "/"):
		return "it takes the path of a file"
	}
	return ""
}

func readFolder(_ *kong.Value, target reflect.Value, text string) string {
	target.SetString(text)
	if text == "" || strings.Contains(text, "://") {
		return "it takes the path of a folder"
	}
	return ""
}

func readDigest(_ *kong.Value, target reflect.Value, text string) string {
	target.SetString(text)
	if hash, err := hex.DecodeString(text); err != nil || len(hash) != sha256.Size {
		return "a hash is 64 hexadecimal digits"
	}
	return ""
}

func readZone(_ *kong.Value, target reflect.Value, text string) string {
	target.SetString(text)
	if _, err := time.LoadLocation(text); err != nil || text == "" || text == "Local" {
		return "a time zone looks like Europe/Madrid"
	}
	return ""
}
