package access

import (
	"fmt"
	"strings"

	"carehome/internal/nodeid"
	"carehome/internal/viewer"
)

// Field is a field of a type as the graph names it, and its class.
type Field struct {
	Name  string
	Class Classes
}

// Page writes the table, and the classes of the fields of each type, as a page
// of documentation.
func Page(fields map[nodeid.Kind][]Field) string {
	var b strings.Builder
	b.WriteString(head)
	roles := viewer.Roles()
	b.WriteString("| |")
	for _, role := range roles {
		fmt.Fprintf(&b, " %s |", role)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(roles)) + "\n")
	for _, kind := range Kinds() {
		fmt.Fprintf(&b, "| %s |", kind)
		for _, role := range roles {
			fmt.Fprintf(&b, " %s |", Of(role, kind))
		}
		b.WriteString("\n")
	}
	b.WriteString(accounts)
	for _, by := range roles {
		var of []string
		for _, role := range roles {
			if Grants(by, role) {
				of = append(of, string(role))
			}
		}
		if len(of) > 0 {
			fmt.Fprintf(&b, "- %s: %s\n", by, strings.Join(of, ", "))
		}
	}
	b.WriteString(classes)
	for _, kind := range Kinds() {
		if len(fields[kind]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s |", kind)
		for _, class := range Everything.Each() {
			var names []string
			for _, f := range fields[kind] {
				if f.Class == class {
					names = append(names, f.Name)
				}
			}
			fmt.Fprintf(&b, " %s |", strings.Join(names, ", "))
		}
		b.WriteString("\n")
	}
	b.WriteString(proof)
	return b.String()
}

// String is a cell of the page's table.
func (g Grant) String() string {
	if g.Rows == None {
		return "–"
	}
	text := g.Read.String()
	if g.Read == Everything {
		text = "all"
	}
	if g.Rows == Linked {
		text = "linked: " + text
	}
	for _, act := range []struct {
		act  Act
		name string
	}{{Create, "C"}, {Update, "U"}, {Delete, "D"}} {
		if g.Acts&act.act != 0 {
			if !strings.Contains(text, " · ") {
				text += " · "
			}
			text += act.name
		}
	}
	return text
}

const head = `# Who may see and do what

This page is written by ` + "`carehome access`" + ` from the table that the server goes by.

A cell says which classes of fields a role sees of a type, and what it does: C creates,
U updates, D deletes (a clinical fact is marked ENTERED_IN_ERROR, never removed).
"–" is no row at all. "linked" are the rows that hang on a resident whose contact the
viewer is, marked as a family portal, while the resident consents: the resident, the
checks, the participations and the activities these are of, entered in error left out;
of the contacts the viewer's own, and of people those who care, not other relatives.

- A row that is not seen is as if it were not there: in lists, counts, edges, filters,
  cursors, references of an input and every error, byte for byte.
- A field that is not seen is null; a name that may not be null is a stand-in such as
  "Resident 17". To filter or order by it is FORBIDDEN, whatever the data.
- What a role does not do is FORBIDDEN before anything of the row is looked at. Whoever
  changes rows of a type sees all of it.
- A revision is seen with the row that it is of, and holds the fields that are seen of it.
- REPORTING with the grant of names sees personal and notes too. A key that only reads
  does nothing. An emergency lets CARER and ACTIVITY_COORDINATOR read what NURSE reads,
  with a reason, on record.

`

const accounts = `
## Accounts and keys

Whoever makes or changes an account or a key does so only for these roles:

`

const classes = `
SYSADMIN may also deactivate any account.

## Classes of fields

| | open | personal | clinical | notes | admin |
|---|---|---|---|---|---|
`

const proof = `
## How this is held

The table is asked at the data layer: before every statement, before every change, and by
filters for what lies behind an edge. A type without a row in the table, or a field without a
class, is refused by the code generator.

The tests in ` + "`tests/leak`" + ` make a matrix of role × type × path from the schema: by id, in lists
and counts, along edges, through filters, orders, search and cursors, letter by letter, in
changes and what they answer, by keys of changes that were made before, over subscriptions,
and in nobody's name. Every text of a small home is marked
with whose it is, and every answer, errors included, is searched for the marks and the ids of
what its reader may not know; what is hidden must be told in the same bytes as what is not
there. What should be seen is worked out by an oracle that reads the database file itself and
has the rules written down a second time; which class a field is of is all that it takes from
the schema. A type, field, filter, order, mutation or subscription on which it has no word,
or which some role does not try, fails the test. Each kind of rule is then taken away in turn,
and every path that it guards must report it; and ` + "`make planted`" + ` changes the source itself
in each of some forty places that keep something from somebody, which the matrix must name.

Three things are not hidden from who is let in at all: that something in the home's records has
changed (lastEventID, and the numbers of events, which run on), about how many rows of a type
were ever made (the numbers in ids run on too), and how long an answer takes.
`
