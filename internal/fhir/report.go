package fhir

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Reason is why something was not taken, or not as it stood.
type Reason string

// Reasons for which a resource is skipped.
const (
	// NotImported is a type of resource that the home does not keep.
	NotImported Reason = "NOT_IMPORTED"
	// NotVitalSign is an observation of another kind, such as a laboratory result.
	NotVitalSign Reason = "NOT_A_VITAL_SIGN"
	// Derived is a value that follows from others.
	Derived Reason = "DERIVED"
	// UnknownUnit is a value in a unit that cannot be converted for certain.
	UnknownUnit Reason = "UNKNOWN_UNIT"
	// OutOfRange is a value that is not possible.
	OutOfRange Reason = "OUT_OF_RANGE"
	// NotExact is a value of which only a bound is stated, such as "< 35".
	NotExact Reason = "NOT_EXACT"
	// NoValue is a resource that lacks what it is about.
	NoValue Reason = "NO_VALUE"
	// NotFinal is a resource whose status says that it does not hold (yet).
	NotFinal Reason = "NOT_FINAL"
	// NoTime is an observation without a usable time.
	NoTime Reason = "NO_TIME"
	// InFuture is an observation that has not happened yet.
	InFuture Reason = "IN_FUTURE"
	// NotThePatient is about somebody or something other than the patient.
	NotThePatient Reason = "NOT_THE_PATIENT"
	// NoPatient is about a patient who is neither in the bundle nor known here.
	NoPatient Reason = "NO_PATIENT"
	// Incomplete is a resource that lacks what the home must know.
	Incomplete Reason = "INCOMPLETE"
	// Duplicate stands in the bundle, or in the home, already.
	Duplicate Reason = "DUPLICATE"
	// Superseded is an older value where the home keeps the latest only.
	Superseded Reason = "SUPERSEDED"
	// Prohibition is an order not to give something.
	Prohibition Reason = "PROHIBITION"
	// Stated is a statement that is kept in a field and is no row of its own.
	Stated Reason = "STATED_ELSEWHERE"
	// ChangedHere is a row that a person has changed here since it was imported.
	ChangedHere Reason = "CHANGED_HERE"
	// Refused is a row that breaks a rule of the home.
	Refused Reason = "REFUSED"
)

// Reasons for a note: the resource is taken, but not just as it stood.
const (
	// NoDose is an order that states no dose.
	NoDose Reason = "NO_DOSE_STATED"
	// AsText is a statement that no field can hold; it stands in the instructions.
	AsText Reason = "KEPT_AS_TEXT"
	// Shortened is a text that was too long.
	Shortened Reason = "SHORTENED"
	// TimeOfCheck is an observation that got the time of its encounter's check.
	TimeOfCheck Reason = "TIME_OF_CHECK"
	// Assumed is a required field that the source leaves open.
	Assumed Reason = "ASSUMED"
)

// Tally counts what became of resources or rows.
type Tally struct {
	Taken     int `json:"taken"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Skipped   int `json:"skipped"`
}

func (t *Tally) add(u Tally) {
	t.Taken += u.Taken
	t.Updated += u.Updated
	t.Unchanged += u.Unchanged
	t.Skipped += u.Skipped
}

// Sum is everything counted.
func (t Tally) Sum() int { return t.Taken + t.Updated + t.Unchanged + t.Skipped }

// Note is one reason, with how often it applied.
type Note struct {
	// Resource is the FHIR type.
	Resource string `json:"resource"`
	// What names the code or the thing, such as "2093-3 Total Cholesterol".
	What string `json:"what,omitempty"`
	// Reason is why, for programs.
	Reason Reason `json:"reason"`
	// Detail is why, for people.
	Detail string `json:"detail,omitempty"`
	// Count is how many resources it applied to.
	Count int `json:"count"`
	// First names one of them.
	First string `json:"first"`
}

// Report says what was taken of a bundle, what was not, and why. Each resource
// of the bundle is counted in Resources once.
type Report struct {
	// Name is the file or whatever the bundle is called.
	Name string `json:"name"`
	// Bundles is how many bundles the report covers.
	Bundles int `json:"bundles"`
	// Resources counts by FHIR type. A resource that became part of a row has
	// that row's fate.
	Resources map[string]Tally `json:"resources"`
	// Rows counts the home's rows by their type.
	Rows map[string]Tally `json:"rows"`
	// Rounded counts by measure the values that had more places than are kept.
	Rounded map[Measure]int `json:"rounded"`
	// Converted counts by measure the values that came in another unit.
	Converted map[Measure]int `json:"converted"`
	// Skipped lists what was not taken.
	Skipped []Note `json:"skipped"`
	// Notes lists what was taken, but not just as it stood.
	Notes []Note `json:"notes"`
}

func newReport() *Report {
	return &Report{
		Bundles: 1, Resources: map[string]Tally{}, Rows: map[string]Tally{},
		Rounded: map[Measure]int{}, Converted: map[Measure]int{},
	}
}

// Total adds reports up under a name.
func Total(name string, reports ...*Report) *Report {
	total := newReport()
	total.Name, total.Bundles = name, 0
	for _, r := range reports {
		total.Bundles += r.Bundles
		total.merge(r)
	}
	return total
}

func (r *Report) merge(o *Report) {
	for typ, t := range o.Resources {
		r.count(typ, t)
	}
	for typ, t := range o.Rows {
		r.countRow(typ, t)
	}
	for m, n := range o.Rounded {
		r.Rounded[m] += n
	}
	for m, n := range o.Converted {
		r.Converted[m] += n
	}
	for _, n := range o.Skipped {
		r.Skipped = gather(r.Skipped, n)
	}
	for _, n := range o.Notes {
		r.Notes = gather(r.Notes, n)
	}
}

func (r *Report) count(typ string, t Tally) {
	sum := r.Resources[typ]
	sum.add(t)
	r.Resources[typ] = sum
}

func (r *Report) countRow(typ string, t Tally) {
	sum := r.Rows[typ]
	sum.add(t)
	r.Rows[typ] = sum
}

// skip counts e as not taken.
func (r *Report) skip(e *entry, what string, reason Reason, detail string) {
	typ := cmp.Or(e.typ, "(empty)")
	r.count(typ, Tally{Skipped: 1})
	r.Skipped = gather(r.Skipped, Note{typ, what, reason, detail, 1, e.String()})
}

// note remarks on e, which is taken.
func (r *Report) note(e *entry, reason Reason, detail string) {
	r.Notes = gather(r.Notes, Note{e.typ, "", reason, detail, 1, e.String()})
}

// kept counts how a value was brought into the home's form.
func (r *Report) kept(m Measure, v reading) {
	if v.rounded {
		r.Rounded[m]++
	}
	if v.converted {
		r.Converted[m]++
	}
}

// gather adds a note to those like it, keeping the list in order.
func gather(list []Note, n Note) []Note {
	i, found := slices.BinarySearchFunc(list, n, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.What, b.What), cmp.Compare(a.Detail, b.Detail))
	})
	if found {
		list[i].Count += n.Count
		return list
	}
	return slices.Insert(list, i, n)
}

// Changed reports whether the import changed any row.
func (r *Report) Changed() bool {
	for _, t := range r.Rows {
		if t.Taken+t.Updated > 0 {
			return true
		}
	}
	return false
}

// WriteTo writes the report for people.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, r.String())
	return int64(n), err
}

// String is the report for people. What is left out for its kind alone is named
// in one line; the JSON form has the count of each.
func (r *Report) String() string {
	var b strings.Builder
	b.WriteString(r.Name)
	if r.Bundles != 1 {
		fmt.Fprintf(&b, " (%d bundles)", r.Bundles)
	}
	b.WriteString("\n")
	tallies(&b, "resources", r.Resources)
	tallies(&b, "rows", r.Rows)
	amounts(&b, "rounded", r.Rounded)
	amounts(&b, "converted", r.Converted)
	notes(&b, "taken with a remark", r.Notes)
	notes(&b, "skipped", r.Skipped)
	return b.String()
}

func tallies(b *strings.Builder, title string, by map[string]Tally) {
	if len(by) == 0 {
		return
	}
	fmt.Fprintf(b, "  %-20s %9s %9s %9s %9s\n", title, "taken", "updated", "unchanged", "skipped")
	for _, typ := range slices.Sorted(maps.Keys(by)) {
		t := by[typ]
		fmt.Fprintf(b, "    %-18s %9d %9d %9d %9d\n", typ, t.Taken, t.Updated, t.Unchanged, t.Skipped)
	}
}

func amounts(b *strings.Builder, title string, by map[Measure]int) {
	if len(by) == 0 {
		return
	}
	var parts []string
	sum := 0
	for _, m := range sortedMeasures(by) {
		parts = append(parts, fmt.Sprintf("%s %d", m, by[m]))
		sum += by[m]
	}
	fmt.Fprintf(b, "  %s %d: %s\n", title, sum, strings.Join(parts, ", "))
}

func notes(b *strings.Builder, title string, list []Note) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s\n", title)
	for _, n := range inOneLine(list) {
		fmt.Fprintf(b, "    %6d %s: %s", n.Count, strings.TrimSpace(n.Resource+" "+n.What), strings.ToLower(strings.ReplaceAll(string(n.Reason), "_", " ")))
		if n.Detail != "" {
			fmt.Fprintf(b, ": %s", n.Detail)
		}
		fmt.Fprintf(b, "; first %s\n", n.First)
	}
}

// inOneLine puts the observations that are no vital signs together, and names
// the first few.
func inOneLine(list []Note) []Note {
	const few = 8
	var kept []Note
	var codes []string
	others := -1
	for _, n := range list {
		if n.Reason != NotVitalSign {
			kept = append(kept, n)
			continue
		}
		if codes = append(codes, n.What); others < 0 {
			others = len(kept)
			n.What = ""
			kept = append(kept, n)
		} else {
			kept[others].Count += n.Count
		}
		kept[others].Detail = strings.Join(codes[:min(len(codes), few)], "; ")
		if more := len(codes) - few; more > 0 {
			kept[others].Detail += fmt.Sprintf("; and %d more codes", more)
		}
	}
	return kept
}
