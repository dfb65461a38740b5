package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"carehome/ent"
	"carehome/ent/apikey"
	"carehome/ent/staffuser"
	"carehome/internal/audit"
	"carehome/internal/care"
	"carehome/internal/config"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/store"
	"carehome/internal/viewer"
)

// askedError is what is told to whoever asked for something that cannot be.
type askedError string

// Error is the sentence.
func (e askedError) Error() string { return string(e) }

// asked puts a problem in the words of somebody who sits at a terminal.
func asked(err error) error {
	found, ok := problem.From(err)
	if !ok {
		return err
	}
	var lines []string
	for _, p := range found {
		line := p.Message
		// Many are the rest of a sentence that begins with the name of a field.
		if field := p.Field[strings.LastIndexByte(p.Field, '.')+1:]; field != "" && strings.ToUpper(line[:1]) != line[:1] && !strings.HasPrefix(line, field+" ") {
			line = field + " " + line
		}
		lines = append(lines, line)
	}
	return askedError(strings.Join(lines, "\n"))
}

// change runs one write on a home's database, which a server may be using: alone
// where none does, else beside it. Where a zone is given, a home that is missing is
// made.
func (p Program) change(ctx context.Context, c config.Database, l config.Log, zone config.Zone, work func(ctx context.Context, tx *ent.Client, admin viewer.Viewer) error) (err error) {
	if zone == "" { // this is for a home that there is
		if _, err := os.Stat(string(c.Database)); err != nil {
			return fmt.Errorf("opening %s: %w", c.Database, err)
		}
	}
	o := p.storeOptions(c, logger(p.Stderr, l))
	st, err := store.Open(ctx, o)
	if errors.Is(err, store.ErrInUse) {
		o.Role = store.BesideRole
		st, err = store.Open(ctx, o)
	}
	if err != nil {
		return fmt.Errorf("opening %s: %w", c.Database, err)
	}
	defer func() { err = errors.Join(err, closeStore(st)) }()
	admin, err := ensureHome(ctx, st, zone)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Database, err)
	}
	ctx = audit.WithOperation(scalar.WithClock(viewer.With(ctx, viewer.System()), p.Clock), string(p.command))
	return asked(care.Guard(st.Write)(ctx, func(ctx context.Context, tx *ent.Client) error {
		// Nobody has said who they are; whose process it is, is known at least.
		audit.Because(ctx, fmt.Sprintf("by user %d of the machine", os.Getuid()))
		return work(ctx, tx, admin)
	}))
}

// look runs reads on a home's database.
func (p Program) look(ctx context.Context, c config.Database, l config.Log, work func(ctx context.Context, client *ent.Client) error) (err error) {
	o := p.storeOptions(c, logger(p.Stderr, l))
	o.ReadOnly = true
	st, err := openStore(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore(st)) }()
	return work(viewer.With(ctx, viewer.System()), st.Client())
}

// person finds somebody by the address or the id.
func person(ctx context.Context, client *ent.Client, who string) (*ent.StaffUser, error) {
	query := client.StaffUser.Query()
	if id, err := nodeid.Parse(who); err == nil {
		query.Where(staffuser.ID(id))
	} else {
		query.Where(staffuser.EmailKey(strings.ToLower(who)))
	}
	row, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, askedError("nobody is known as " + who + ": see carehome user list")
	}
	return row, err
}

// createKey makes a key and writes it out.
func (p Program) createKey(ctx context.Context, c config.KeyCreateCommand) error {
	in := ent.CreateApiKeyInput{Name: c.Name}
	if c.ReadOnly {
		in.Scope = graphql.OmittableOf(new(apikey.ScopeReadOnly))
	}
	if c.Days > 0 {
		in.ExpiresAt = graphql.OmittableOf(new(scalar.At(p.Clock().AddDate(0, 0, c.Days))))
	}
	var told keyLine
	var text string
	err := p.change(ctx, c.Database, c.Log, c.TimeZone, func(ctx context.Context, tx *ent.Client, admin viewer.Viewer) error {
		if c.User == "" {
			c.User = admin.ID.String()
		}
		who, err := person(ctx, tx, c.User)
		if err != nil {
			return err
		}
		in.StaffUserID = who.ID
		row, key, err := care.CreateKey(ctx, tx, in, "")
		if err != nil {
			return err
		}
		row.Edges.StaffUser = who
		told, text = p.keyLine(row), key.Reveal()
		return nil
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(struct {
			keyLine
			Key string `json:"key"`
		}{told, text})
	}
	// Beside the key, which may go into a file.
	if _, err := fmt.Fprintf(p.Stderr, "%s asks in the name of %s, %s. It is shown this once:\n", told.ID, told.User, told.Role); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return p.print("%s\n", text)
}

// keyLine is a key as it is listed.
type keyLine struct {
	ID       string `json:"id"`
	Prefix   string `json:"prefix"`
	Name     string `json:"name"`
	User     string `json:"user"`
	Role     string `json:"role"`
	Scope    string `json:"scope"`
	State    string `json:"state"`
	Expires  string `json:"expiresAt,omitempty"`
	LastUsed string `json:"lastUsedAt,omitempty"`
}

func (p Program) keyLine(row *ent.APIKey) keyLine {
	line := keyLine{
		ID: row.ID.String(), Prefix: row.Prefix, Name: row.Name, User: row.Edges.StaffUser.Email,
		Role: row.Edges.StaffUser.Role.String(), Scope: row.Scope.String(), State: "GOOD",
	}
	if row.ExpiresAt != nil {
		line.Expires = row.ExpiresAt.String()
	}
	if row.LastUsedAt != nil {
		line.LastUsed = row.LastUsedAt.String()
	}
	switch {
	case row.RevokedAt != nil:
		line.State = "REVOKED"
	case row.ExpiresAt != nil && !p.Clock().Before(row.ExpiresAt.Time):
		line.State = "EXPIRED"
	case !row.Edges.StaffUser.Active:
		line.State = "USER_LEFT"
	}
	return line
}

// listKeys writes all keys out.
func (p Program) listKeys(ctx context.Context, c config.KeyListCommand) error {
	lines := []keyLine{}
	err := p.look(ctx, c.Database, c.Log, func(ctx context.Context, client *ent.Client) error {
		rows, err := client.APIKey.Query().WithStaffUser().Order(apikey.ByID()).All(ctx)
		for _, row := range rows {
			lines = append(lines, p.keyLine(row))
		}
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(lines)
	}
	table := [][]string{{"ID", "BEGINS WITH", "STATE", "SCOPE", "USER", "ROLE", "EXPIRES", "LAST USED", "NAME"}}
	for _, l := range lines {
		table = append(table, []string{l.ID, l.Prefix, l.State, l.Scope, l.User, l.Role, day(l.Expires, "never"), day(l.LastUsed, "never"), l.Name})
	}
	return p.printTable(table)
}

// day is the day of a time, for a table.
func day(at, none string) string {
	if at == "" {
		return none
	}
	return at[:len(time.DateOnly)]
}

func (p Program) printTable(table [][]string) error {
	const gap = 2
	w := tabwriter.NewWriter(p.Stdout, 0, 0, gap, ' ', 0)
	for _, row := range table {
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return fmt.Errorf("writing the result: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

// revokeKey ends a key.
func (p Program) revokeKey(ctx context.Context, c config.KeyRevokeCommand) error {
	var told keyLine
	err := p.change(ctx, c.Database, c.Log, "", func(ctx context.Context, tx *ent.Client, _ viewer.Viewer) error {
		query := tx.APIKey.Query().WithStaffUser()
		if id, err := nodeid.Parse(c.Key); err == nil {
			query.Where(apikey.ID(id))
		} else {
			query.Where(apikey.Prefix(c.Key))
		}
		row, err := query.Only(ctx)
		if ent.IsNotFound(err) {
			// What was given may be a whole key, which is not for the screen.
			return askedError("there is no such key: give its id or how it begins, as in carehome key list")
		}
		if err != nil {
			return err
		}
		who := row.Edges.StaffUser
		if row, err = care.RevokeKey(ctx, tx, row.ID, care.Deletion{}); err != nil {
			return err
		}
		row.Edges.StaffUser = who
		told = p.keyLine(row)
		return nil
	})
	if err != nil {
		return err
	}
	return p.print("%s (%s, of %s) is revoked.\n", told.ID, told.Prefix, told.User)
}

// userLine is a person as listed.
type userLine struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Email     string `json:"email"`
	Role      string `json:"role"`
	Active    bool   `json:"active"`
	SeesNames bool   `json:"seesNames"`
	Subject   string `json:"subject,omitempty"`
}

func lineOf(row *ent.StaffUser) userLine {
	line := userLine{ID: row.ID.String(), Name: row.DisplayName, Email: row.Email, Role: row.Role.String(), Active: row.Active, SeesNames: row.SeesNames}
	if row.Subject != nil {
		line.Subject = *row.Subject
	}
	return line
}

// listUsers writes all people out.
func (p Program) listUsers(ctx context.Context, c config.UserListCommand) error {
	lines := []userLine{}
	err := p.look(ctx, c.Database, c.Log, func(ctx context.Context, client *ent.Client) error {
		rows, err := client.StaffUser.Query().Order(staffuser.ByID()).All(ctx)
		for _, row := range rows {
			lines = append(lines, lineOf(row))
		}
		return err
	})
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(lines)
	}
	table := [][]string{{"ID", "EMAIL", "ROLE", "STATE", "SUBJECT", "NAME"}}
	for _, l := range lines {
		state := "ACTIVE"
		if !l.Active {
			state = "LEFT"
		}
		if l.Subject == "" {
			l.Subject = "-"
		}
		table = append(table, []string{l.ID, l.Email, l.Role, state, l.Subject, l.Name})
	}
	return p.printTable(table)
}

// createUser adds a person.
func (p Program) createUser(ctx context.Context, c config.UserCreateCommand) error {
	return p.changeUser(ctx, c.Database, c.Log, c.TimeZone, func(ctx context.Context, tx *ent.Client) (*ent.StaffUser, error) {
		role := staffuser.Role(c.Role)
		in := ent.CreateStaffUserInput{DisplayName: c.Name, Email: c.Email, Role: role}
		if c.SeesNames {
			in.SeesNames = graphql.OmittableOf(&c.SeesNames)
		}
		if c.Subject != "" {
			in.Subject = graphql.OmittableOf(&c.Subject)
		}
		row, err := in.Save(ctx, tx)
		if ent.IsConstraintError(err) {
			return nil, askedError("somebody has that address, or that subject, already: see carehome user list")
		}
		return row, err
	})
}

// setRole gives a person another role.
func (p Program) setRole(ctx context.Context, c config.UserSetRoleCommand) error {
	return p.updateUser(ctx, c.Database, c.Log, c.User, ent.UpdateStaffUserInput{
		Role: graphql.OmittableOf(new(staffuser.Role(c.Role))), SeesNames: graphql.OmittableOf(&c.SeesNames),
	})
}

// setSubject says who a person is at the identity provider.
func (p Program) setSubject(ctx context.Context, c config.UserSetSubjectCommand) error {
	subject := &c.Subject
	if c.Subject == "" {
		subject = nil
	}
	return p.updateUser(ctx, c.Database, c.Log, c.User, ent.UpdateStaffUserInput{Subject: graphql.OmittableOf(subject)})
}

// setActive lets a person in again, or no more.
func (p Program) setActive(ctx context.Context, d config.Database, l config.Log, who string, active bool) error {
	return p.updateUser(ctx, d, l, who, ent.UpdateStaffUserInput{Active: graphql.OmittableOf(&active)})
}

func (p Program) updateUser(ctx context.Context, d config.Database, l config.Log, who string, in ent.UpdateStaffUserInput) error {
	return p.changeUser(ctx, d, l, "", func(ctx context.Context, tx *ent.Client) (*ent.StaffUser, error) {
		row, err := person(ctx, tx, who)
		if err != nil {
			return nil, err
		}
		row, err = in.Save(ctx, tx, row.ID)
		if ent.IsConstraintError(err) {
			return nil, askedError("somebody else has that subject already: see carehome user list")
		}
		return row, err
	})
}

// changeUser runs a change of one person, and tells how that one is now.
func (p Program) changeUser(ctx context.Context, d config.Database, l config.Log, zone config.Zone, work func(context.Context, *ent.Client) (*ent.StaffUser, error)) error {
	var told userLine
	err := p.change(ctx, d, l, zone, func(ctx context.Context, tx *ent.Client, _ viewer.Viewer) error {
		row, err := work(ctx, tx)
		if err == nil {
			told = lineOf(row)
		}
		return err
	})
	if err != nil {
		return err
	}
	state := "active"
	if !told.Active {
		state = "let in no more"
	}
	return p.print("%s is %s (%s), %s, %s.\n", told.ID, told.Name, told.Email, told.Role, state)
}
