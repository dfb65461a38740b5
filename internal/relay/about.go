package relay

import (
	"entgo.io/ent/dialect/sql"

	"carehome/internal/nodeid"
)

// About finds the events about a resident, by the list that the store keeps.
func About[P ~func(*sql.Selector)](resident nodeid.ID) P {
	return func(s *sql.Selector) {
		listed := sql.Table("audit_subjects")
		s.Where(sql.In(s.C("id"), sql.Dialect(s.Dialect()).Select(listed.C("event_id")).From(listed).Where(sql.EQ(listed.C("resident_id"), resident))))
	}
}
