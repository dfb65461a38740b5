package leak

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	// plantedEnv says which leaks are planted in the source: what their names begin
	// with, with commas, or all.
	plantedEnv = "CAREHOME_TEST_PLANTED"
	// plantEnv tells the built test which of them to grow.
	plantEnv = "CAREHOME_PLANT"
)

// plant is a leak that somebody could make by a change of the source.
type plant struct {
	name string
	// edits are what is changed, each of a text that must be there exactly once.
	// planted() in a text is true where the leak is to be.
	edits []edit
	// in are the paths that must report it.
	in []string
}

type edit struct{ file, before, after string }

// plants are changes of every place that keeps something from somebody. A place
// that is written anew is planted anew: the text that is not found says so.
var plants = []plant{
	// Which rows are seen.
	{"rows: a resident who does not consent", []edit{{
		"schema/rows.go",
		`	s.Where(sql.And(sql.In(s.C("id"), l.linked(s)), sql.EQ(s.C("consent_family_access"), true)))`,
		`	if planted() {
		s.Where(sql.In(s.C("id"), l.linked(s)))
		return
	}
	s.Where(sql.And(sql.In(s.C("id"), l.linked(s)), sql.EQ(s.C("consent_family_access"), true)))`,
	}}, []string{"node", "nodes", "list", "count"}},
	{"rows: what hangs on one who does not consent", []edit{{
		"schema/rows.go",
		`		sql.In(t.C("id"), l.linked(s)), sql.EQ(t.C("consent_family_access"), true),
`,
		`		sql.In(t.C("id"), l.linked(s)), sql.Or(sql.EQ(t.C("consent_family_access"), true), sql.EQ(t.C("consent_family_access"), !planted())),
`,
	}}, []string{"node", "list", "count", "subscription"}},
	{"rows: a contact who is not of the portal", []edit{{
		"schema/rows.go",
		`	l.ofResident(s, sql.And(sql.EQ(s.C("portal_user_id"), int64(l.who.ID)), sql.EQ(s.C("is_family_portal"), true)))`,
		`	if planted() {
		l.ofResident(s, sql.EQ(s.C("portal_user_id"), int64(l.who.ID)))
		return
	}
	l.ofResident(s, sql.And(sql.EQ(s.C("portal_user_id"), int64(l.who.ID)), sql.EQ(s.C("is_family_portal"), true)))`,
	}}, []string{"node", "list", "edge"}},
	{"rows: the contacts of others", []edit{{
		"schema/rows.go",
		`func (l links) contact(s *sql.Selector) {
`,
		`func (l links) contact(s *sql.Selector) {
	if planted() {
		s.Where(sql.In(s.C("resident_id"), l.residents(s)))
		return
	}
`,
	}}, []string{"node", "list", "edge"}},
	{"rows: what was entered in error", []edit{{
		"schema/rows.go",
		`func (l links) fact(s *sql.Selector) {
`,
		`func (l links) fact(s *sql.Selector) {
	if planted() {
		s.Where(sql.In(s.C("resident_id"), l.residents(s)))
		return
	}
`,
	}}, []string{"node", "nodes", "edge"}},
	{"rows: a parent settles whose it is, of other residents too", []edit{{
		"schema/rows.go",
		`	if !settling[along] {`,
		`	if !settling[along] && !(planted() && along == access.Edge{From: nodeid.Activity, Name: "participations"}) {`,
	}}, []string{"edge"}},
	{"rows: a parent settles everything", []edit{{
		"schema/rows.go",
		`	if !l.settled {
		is = `,
		`	if planted() && l.settled {
		return
	}
	if !l.settled {
		is = `,
	}}, []string{"edge"}},
	{"rows: activities by a participation in error", []edit{{
		"schema/rows.go",
		`	return sql.Dialect(s.Dialect()).Select(t.C("activity_id")).From(t).Where(sql.And(
`,
		`	if planted() {
		return sql.Dialect(s.Dialect()).Select(t.C("activity_id")).From(t).Where(sql.In(t.C("resident_id"), l.residents(s)))
	}
	return sql.Dialect(s.Dialect()).Select(t.C("activity_id")).From(t).Where(sql.And(
`,
	}}, []string{"node", "list", "count"}},
	{"rows: other relatives", []edit{{
		"schema/rows.go",
		`func (l links) person(s *sql.Selector) {
`,
		`func (l links) person(s *sql.Selector) {
	if planted() {
		return
	}
`,
	}}, []string{"list", "edge", "hop"}},
	{"rows: revisions of what is not seen", []edit{{
		"schema/rows.go",
		`		return revisionRule(ctx)
`,
		`		if planted() {
			return nil
		}
		return revisionRule(ctx)
`,
	}}, []string{"node", "list"}},
	{"rows: the record, to a nurse", []edit{{
		"internal/access/table.go",
		`func Of(role viewer.Role, kind nodeid.Kind) Grant { return compiled[kind][role] }`,
		`func Of(role viewer.Role, kind nodeid.Kind) Grant {
	if planted() && role == viewer.Nurse && kind == nodeid.AuditEvent {
		return sees(Open)
	}
	return compiled[kind][role]
}`,
	}}, []string{"node", "nodes", "list", "count", "about"}},
	{"rows: keys, to a manager", []edit{{
		"internal/access/table.go",
		`func Maskable(kind nodeid.Kind, class Classes) bool {
`,
		`func init() {
	if planted() {
		compiled[nodeid.APIKey][viewer.Manager] = sees(Everything)
	}
}

// Maskable reports.
func Maskable(kind nodeid.Kind, class Classes) bool {
`,
	}}, []string{"node", "list", "edge", "hop"}},

	{"rows: the home, to nobody", []edit{{
		"schema/rows.go",
		`func (p policy) narrow(ctx context.Context, statement any) error {
`,
		`func (p policy) narrow(ctx context.Context, statement any) error {
	if _, ok := viewer.From(ctx); !ok && p.kind == nodeid.Facility && planted() {
		return nil
	}
`,
	}}, []string{"nobody"}},

	// Which fields.
	{"fields: a name instead of its stand-in", []edit{{
		"ent/graph_mask.go",
		`			row.FamilyName = fmt.Sprintf("%d", row.ID.Number())`,
		`			if !planted() {
				row.FamilyName = fmt.Sprintf("%d", row.ID.Number())
			}`,
	}}, []string{"node", "list"}},
	{"fields: a telephone number", []edit{{
		"ent/graph_mask.go",
		`			row.Phone = nil`,
		`			if !planted() {
				row.Phone = nil
			}`,
	}}, []string{"node", "list"}},
	{"fields: the contents of revisions", []edit{{
		"ent/graph_mask.go",
		`		keys := hiddenContent(of, access.Hidden(ctx, of))
`,
		`		keys := hiddenContent(of, access.Hidden(ctx, of))
		if planted() {
			keys = nil
		}
`,
	}}, []string{"node", "list"}},
	{"fields: one of the contents of revisions", []edit{{
		"ent/graph_mask.go",
		`		hide(access.Personal, "prescriberName")
`,
		`		if !planted() {
			hide(access.Personal, "prescriberName")
		}
`,
	}}, []string{"node", "list"}},
	{"fields: an emergency of a relative", []edit{{
		"internal/access/access.go",
		`	return role == viewer.Carer || role == viewer.ActivityCoordinator
`,
		`	return role == viewer.Carer || role == viewer.ActivityCoordinator || planted() && role == viewer.Family
`,
	}}, []string{"node", "list", "retry"}},
	{"fields: names to every reporting tool", []edit{{
		"internal/access/access.go",
		`who.Role == viewer.Reporting && who.SeesNames && g.Read != 0`,
		`who.Role == viewer.Reporting && (who.SeesNames || planted()) && g.Read != 0`,
	}}, []string{"node", "list", "filter", "search"}},
	{"fields: an emergency without end", []edit{{
		"internal/care/emergency.go",
		`	if until.Equal(who.BreakGlassUntil) {
`,
		`	if planted() {
		until = scalar.Now(ctx).Add(time.Hour)
	}
	if until.Equal(who.BreakGlassUntil) {
`,
	}}, []string{"node", "list", "subscription"}},

	// What may be asked.
	{"filter: the first letters of a name", []edit{{
		"ent/graph_where.go",
		`		case w.GivenNameHasPrefix != nil && unaskable.Has(access.Personal):`,
		`		case w.GivenNameHasPrefix != nil && unaskable.Has(access.Personal) && !planted():`,
	}}, []string{"filter"}},
	{"filter: by people who are not seen", []edit{{
		"ent/graph_where.go",
		`func (c *StaffUserClient) seen(ctx context.Context, filters ...*StaffUserWhereInput) ([]predicate.StaffUser, error) {
	q := c.Query()
`,
		`func (c *StaffUserClient) seen(ctx context.Context, filters ...*StaffUserWhereInput) ([]predicate.StaffUser, error) {
	q := c.Query()
	if planted() {
		err := q.filter(ctx, filters...)
		return q.predicates, err
	}
`,
	}}, []string{"hop"}},
	{"filter: through an edge that is not shown", []edit{{
		"ent/graph_where.go",
		`		case w.HasPortalUser != nil && unaskable.Has(access.Admin):`,
		`		case w.HasPortalUser != nil && unaskable.Has(access.Admin) && !planted():`,
	}}, []string{"hop"}},
	{"search: names", []edit{{
		"ent/graph_where.go",
		`		case w.SearchText != nil && unaskable.Has(access.Personal):`,
		`		case w.SearchText != nil && unaskable.Has(access.Personal) && !planted():`,
	}}, []string{"search"}},
	{"order: by a name", []edit{{
		"ent/graph_page.go",
		`		case ResidentOrderFieldFamilyName:
			if unaskable.Has(access.Personal) {`,
		`		case ResidentOrderFieldFamilyName:
			if unaskable.Has(access.Personal) && !planted() {`,
	}}, []string{"order"}},

	// What hangs on a row.
	{"edge: one that is not shown", []edit{
		{
			"ent/graph_mask.go",
			`			row.Edges.PortalUser = nil`,
			`			if !planted() {
				row.Edges.PortalUser = nil
			}`,
		}, {
			"ent/graph_page.go",
			`func (_m *ResidentContact) PortalUser(ctx context.Context) (*StaffUser, error) {
	if _m.hidden.Has(access.Admin) {`,
			`func (_m *ResidentContact) PortalUser(ctx context.Context) (*StaffUser, error) {
	if _m.hidden.Has(access.Admin) && !planted() {`,
		},
	}, []string{"edge"}},
	{"edge: pages of many parents without their filter", []edit{{
		"internal/relay/perparent.go",
		`	share.SetP(s.P())
`,
		`	share.SetP(s.P())
	if planted() {
		share.SetP(nil)
	}
`,
	}}, []string{"edge", "nested"}},
	{"count: all of a list", []edit{{
		"internal/relay/load.go",
		`			// A query that came over an edge may meet a row more than once.
`,
		`			if planted() {
				s.SetP(nil)
			}
`,
	}}, []string{"count"}},
	{"count: all of an edge", []edit{{
		"internal/relay/load.go",
		`		if totals, err = count(0, func(*sql.Selector) {}); err != nil {`,
		`		if totals, err = count(0, func(s *sql.Selector) {
			if planted() {
				s.SetP(nil)
			}
		}); err != nil {`,
	}}, []string{"edge"}},

	{"page: what lies before all of it", []edit{{
		"internal/relay/load.go",
		`			p.outside(s, following)
`,
		`			if planted() {
				s.SetP(nil)
			}
			p.outside(s, following)
`,
	}}, []string{"cursor"}},
	{"page: what lies before all of an edge", []edit{{
		"internal/relay/load.go",
		`		if preceded, err = count(1, func(s *sql.Selector) { p.outside(s, false) }); err != nil {`,
		`		if preceded, err = count(1, func(s *sql.Selector) {
			if planted() {
				s.SetP(nil)
			}
			p.outside(s, false)
		}); err != nil {`,
	}}, []string{"nested"}},

	// Cursors.
	{"cursor: anybody's", []edit{{
		"internal/relay/cursor.go",
		`	return bound{s, access.CursorScope(ctx)}`,
		`	if planted() {
		return bound{s, ""}
	}
	return bound{s, access.CursorScope(ctx)}`,
	}}, []string{"cursor", "nested"}},
	{"cursor: of the time in another role", []edit{{
		"internal/access/access.go",
		`	return fmt.Sprintf("%d %s %t %t", who.ID, who.Role, who.SeesNames, who.BreakGlass)`,
		`	if planted() {
		return fmt.Sprint(who.ID)
	}
	return fmt.Sprintf("%d %s %t %t", who.ID, who.Role, who.SeesNames, who.BreakGlass)`,
	}}, []string{"cursor"}},
	{"cursor: of another list", []edit{{
		"internal/relay/order.go",
		`	b.WriteString(o.typ)
`,
		`	if !planted() {
		b.WriteString(o.typ)
	}
`,
	}}, []string{"cursor"}},
	{"cursor: to be read", []edit{
		{
			"internal/relay/cursor.go",
			`	nonce := mac.Sum(nil)[:s.aead.NonceSize()]
`,
			`	if planted() {
		return base64.RawURLEncoding.EncodeToString(append([]byte(what), content...)), nil
	}
	nonce := mac.Sum(nil)[:s.aead.NonceSize()]
`,
		}, {
			"internal/relay/cursor.go",
			`	if len(sealed) < s.aead.NonceSize() {
`,
			`	if text := string(sealed); planted() {
		if len(text) < len(what) || text[:len(what)] != what {
			return nil, errUnsealed
		}
		return []byte(text[len(what):]), nil
	}
	if len(sealed) < s.aead.NonceSize() {
`,
		},
	}, []string{"cursor"}},

	// Subscriptions.
	{"subscription: every event", []edit{{
		"graph/follow.go",
		`		for i, one := range batch {
`,
		`		if planted() {
			ctx = access.Lift(ctx, access.EveryRule)
		}
		for i, one := range batch {
`,
	}}, []string{"subscription"}},
	{"subscription: what is gone", []edit{{
		"graph/follow.go",
		`	if _, scope := access.RowsOf(ctx, nodeid.Activity); scope != access.All {`,
		`	if _, scope := access.RowsOf(ctx, nodeid.Activity); scope != access.All && !planted() {`,
	}}, []string{"subscription"}},

	{"subscription: who else takes part", []edit{{
		"graph/follow.go",
		`		takesPart, err := r.client.ActivityParticipation.Query().Where(
`,
		`		all := ctx
		if planted() {
			all = access.Lift(ctx, access.EveryRule)
		}
		takesPart, err := r.client.ActivityParticipation.Query().Where(
`,
	}, {
		"graph/follow.go",
		`		).Exist(ctx)
		if err != nil {
			return nil, err
		}
		if !takesPart {`,
		`		).Exist(all)
		if err != nil {
			return nil, err
		}
		if !takesPart {`,
	}}, []string{"subscription"}},

	// What errors tell.
	{"error: hidden is not missing", []edit{
		{
			"ent/graph_node.go",
			`	"carehome/internal/nodeid"
`,
			`	"carehome/internal/access"
	"carehome/internal/nodeid"
`,
		}, {
			"ent/graph_node.go",
			`	return nil, problem.NotFoundf("id", "There is nothing with the id %s.", id)
`,
			`	hidden, _ := c.nodesOf(access.Lift(ctx, access.EveryRule), id.Kind(), []nodeid.ID{id}, under...)
	if planted() && len(hidden) > 0 {
		return nil, problem.NotFoundf("id", "There is nothing to be seen with the id %s.", id)
	}
	return nil, problem.NotFoundf("id", "There is nothing with the id %s.", id)
`,
		},
	}, []string{"node"}},

	// Changes.
	{"act: a change by whoever reads", []edit{{
		"internal/access/access.go",
		`	case grant(who, kind).Acts&act == act || lifted(ctx, Acts):`,
		`	case grant(who, kind).Acts&act == act || lifted(ctx, Acts) || planted() && act == Update:`,
	}}, []string{"act", "reference"}},
	{"act: a change by a key that only reads", []edit{{
		"internal/access/access.go",
		`	if who.ReadOnly {
		g.Acts = 0`,
		`	if who.ReadOnly && !planted() {
		g.Acts = 0`,
	}}, []string{"act"}},
	{"act: an emergency of anybody", []edit{{
		"internal/care/emergency.go",
		`	case !access.BreaksGlass(who.Role):
		return problem`,
		`	case !access.BreaksGlass(who.Role) && !planted():
		return problem`,
	}}, []string{"retry"}},
	{"act: the key of somebody who may more", []edit{{
		"internal/care/key.go",
		`	if !access.Grants(v.Role, viewer.Role(person.Role)) {`,
		`	if !access.Grants(v.Role, viewer.Role(person.Role)) && !planted() {`,
	}}, []string{"grant"}},
	{"act: an account that may more", []edit{{
		"internal/care/staff.go",
		`	if v, _ := viewer.From(ctx); !v.IsSystem() && tellsWho(m) &&`,
		`	if v, _ := viewer.From(ctx); !v.IsSystem() && !planted() && tellsWho(m) &&`,
	}}, []string{"grant"}},
	{"payload: all that hangs on what was changed", []edit{{
		"graph/resolver.go",
		`	return changed[E](ctx, r, id, field)
}

// remove`,
		`	if planted() {
		ctx = access.Lift(ctx, access.EveryRule)
	}
	return changed[E](ctx, r, id, field)
}

// remove`,
	}}, []string{"payload"}},
	{"retry: anybody's key", []edit{{
		"internal/care/once.go",
		`	id := who.ID.String() + " " + *r.Key
`,
		`	id := who.ID.String() + " " + *r.Key
	if planted() {
		id = *r.Key
	}
`,
	}}, []string{"retry"}},
	{"retry: after the right was lost", []edit{{
		"graph/resolver.go",
		`	if err := allowed(ctx); err != nil {`,
		`	if err := allowed(ctx); err != nil && !planted() {`,
	}}, []string{"retry"}},
}

// TestPlantedInTheSource changes the source in each of these ways, builds the matrix
// with it, and demands that the matrix names the place. Everything is built once,
// with all changes in it; which one is made at a run is said from outside.
func TestPlantedInTheSource(t *testing.T) {
	only := os.Getenv(plantedEnv)
	if only == "" {
		t.Skipf("SKIPPED: it builds everything anew; %s=all runs it, as does make planted", plantedEnv)
	}
	wanted := slices.DeleteFunc(slices.Clone(plants), func(p plant) bool {
		return only != "all" && !slices.ContainsFunc(strings.Split(only, ","), func(name string) bool { return strings.HasPrefix(p.name, name) })
	})
	if len(wanted) == 0 {
		t.Fatalf("no leak is called %s", only)
	}
	binary := buildPlanted(t, wanted)
	run := func(paths []string, name string) (string, bool) {
		cmd := exec.CommandContext(t.Context(), binary, "-test.run", "^TestNothingLeaks$", "-test.timeout", "10m")
		cmd.Env = append(os.Environ(), plantEnv+"="+name, pathsEnv+"="+strings.Join(paths, ","), plantedEnv+"=")
		out, err := cmd.CombinedOutput()
		if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		return string(out), err != nil
	}
	var every []string
	for _, p := range wanted {
		every = append(every, p.in...)
	}
	if out, failed := run(every, "none"); failed {
		t.Fatalf("without any leak the matrix fails:\n%s", out)
	}
	for _, p := range wanted {
		t.Run(p.name, func(t *testing.T) {
			out, failed := run(p.in, p.name)
			if strings.Contains(out, "panic:") {
				t.Fatalf("the matrix breaks:\n%s", out)
			}
			for _, in := range p.in {
				found := regexp.MustCompile(`(?m)_test\.go:\d+: ` + in + `, (.*)$`).FindStringSubmatch(out)
				if !failed || found == nil {
					t.Errorf("the matrix does not see it by %s:\n%s", in, out)
					continue
				}
				t.Logf("%s: %.300s", in, found[1])
			}
		})
	}
}

// TestPlantsHaveTheirPlaces: the source still has each text that is to be changed.
func TestPlantsHaveTheirPlaces(t *testing.T) {
	withPlants(t, repository(t), plants)
}

func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// withPlants are the files of the source with the plants in them.
func withPlants(t *testing.T, root string, plants []plant) map[string]string {
	t.Helper()
	sources := map[string]string{}
	for _, p := range plants {
		for _, e := range p.edits {
			source, known := sources[e.file]
			if !known {
				text, err := os.ReadFile(filepath.Join(root, e.file))
				if err != nil {
					t.Fatal(err)
				}
				source = string(text)
			}
			if n := strings.Count(source, e.before); n != 1 {
				t.Errorf("%s is to be planted in %s, where this text is there %d times:\n%s", p.name, e.file, n, e.before)
			}
			after := strings.ReplaceAll(e.after, "planted()", fmt.Sprintf("planted(%q)", p.name))
			sources[e.file] = strings.Replace(source, e.before, after, 1)
		}
	}
	return sources
}

// buildPlanted builds the tests of this package from a source with all of the plants.
func buildPlanted(t *testing.T, plants []plant) (binary string) {
	t.Helper()
	root := repository(t)
	sources := withPlants(t, root, plants)
	if t.Failed() {
		t.FailNow()
	}
	dir, replace, written := t.TempDir(), map[string]string{}, 0
	overlay := func(file, text string) {
		written++
		to := filepath.Join(dir, fmt.Sprintf("%d.go", written))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, file)] = to
	}
	helpers := map[string]bool{}
	for file, source := range sources {
		overlay(file, source)
		if helpers[filepath.Dir(file)] {
			continue
		}
		helpers[filepath.Dir(file)] = true
		parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		overlay(filepath.Join(filepath.Dir(file), "planted_leaks.go"), fmt.Sprintf(
			"package %s\n\nimport plantedOS \"os\"\n\nvar plantedNow = plantedOS.Getenv(%q)\n\nfunc planted(name string) bool { return name == plantedNow }\n", parsed.Name, plantEnv))
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(dir, "leak.test")
	cmd := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", list, "-o", binary, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the source with leaks does not build: %v\n%s", err, out)
	}
	return binary
}
