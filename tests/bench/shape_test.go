package bench

import (
	"database/sql"
	"encoding/json"
	"slices"
	"testing"

	"carehome/internal/nodeid"
)

// shape is a kind of question: the query that is asked of the graph, and the one
// statement that answers it by hand.
type shape struct {
	name  string
	query string
	// statement is SQL in which @id(prefix, column) stands for an identity as
	// the graph shows it, @decimal(column) for a decimal, @bool(column) for a
	// boolean.
	statement string
	// given finds the variables of the query and the arguments of the statement;
	// nil where there are none.
	given func(tb testing.TB, db *sql.DB, graph *client) (variables map[string]any, arguments []any)
	// statements is how many the graph needs: one for each level, and one for
	// each edge of it that is asked.
	statements int
}

func shapeNamed(tb testing.TB, name string) shape {
	tb.Helper()
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.name == name })
	if i < 0 {
		tb.Fatalf("there is no shape %q", name)
	}
	return shapes[i]
}

// lastResident asks for the resident with the highest number.
func lastResident(tb testing.TB, db *sql.DB, _ *client) (map[string]any, []any) {
	tb.Helper()
	var id nodeid.ID
	if err := db.QueryRow("SELECT max(id) FROM residents").Scan(&id); err != nil {
		tb.Fatal(err)
	}
	return map[string]any{"id": id.String()}, []any{int64(id)}
}

// farIn asks for what follows a check that lies four fifths into the list of all.
func farIn(tb testing.TB, db *sql.DB, graph *client) (map[string]any, []any) {
	tb.Helper()
	var at string
	var id nodeid.ID
	err := db.QueryRow(`SELECT taken_at, id FROM wellnesses WHERE status <> 'ENTERED_IN_ERROR'
		ORDER BY taken_at DESC, id DESC LIMIT 1 OFFSET (SELECT count(*) * 4 / 5 FROM wellnesses)`).Scan(&at, &id)
	if err != nil {
		tb.Fatal(err)
	}
	var found struct {
		Data struct {
			Wellness struct{ Edges []struct{ Cursor string } }
		}
	}
	answer := graph.ask(tb, request(tb, `query ($id: ID!) {
		wellness(where: {id: $id}, orderBy: [{field: TAKEN_AT, direction: DESC}]) { edges { cursor } } }`, map[string]any{"id": id.String()}))
	if err := json.Unmarshal(answer, &found); err != nil || len(found.Data.Wellness.Edges) != 1 {
		tb.Fatalf("looking for the cursor of %v: %v: %s", id, err, answer)
	}
	return map[string]any{"after": found.Data.Wellness.Edges[0].Cursor}, []any{at, int64(id)}
}

// The questions.
var shapes = []shape{
	{
		name: "point",
		query: `query point($id: ID!) {
			resident(id: $id) { id version givenName familyName preferredName birthDate sex status externalID allergyStatus consentFamilyAccess updatedAt }
		}`,
		given: lastResident,
		statement: `SELECT json_object('resident', json_object(
			'id', @id(res, id), 'version', version, 'givenName', given_name, 'familyName', family_name, 'preferredName', preferred_name,
			'birthDate', birth_date, 'sex', sex, 'status', status, 'externalID', external_id, 'allergyStatus', allergy_status,
			'consentFamilyAccess', @bool(consent_family_access), 'updatedAt', updated_at))
			FROM residents WHERE id = ?`,
		statements: 1,
	},
	{
		name: "list",
		query: `query list {
			residents(first: 50, orderBy: [{field: FAMILY_NAME}, {field: GIVEN_NAME}], where: {status: ACTIVE}) {
				edges { node { id fullName preferredName birthDate status allergyStatus } }
				pageInfo { hasNextPage }
			}
		}`,
		statement: `WITH page AS MATERIALIZED (
				SELECT * FROM residents WHERE status = 'ACTIVE' ORDER BY family_name, given_name, id LIMIT 51)
			SELECT json_object('residents', json_object(
				'edges', json((SELECT json_group_array(json_object('node', json_object(
						'id', @id(res, id), 'fullName', given_name || ' ' || family_name, 'preferredName', preferred_name,
						'birthDate', birth_date, 'status', status, 'allergyStatus', allergy_status)))
					FROM (SELECT * FROM page LIMIT 50))),
				'pageInfo', json_object('hasNextPage', json((SELECT json(iif(count(*) > 50, 'true', 'false')) FROM page)))))`,
		statements: 1,
	},
	{
		name: "levels",
		query: `query levels {
			residents(first: 50, orderBy: [{field: FAMILY_NAME}]) { edges { node {
				id givenName familyName
				prescriptions(where: {status: ACTIVE}, orderBy: [{field: STARTS_AT}]) { edges { node {
					id status doseAmount doseUnit timesOfDay startsAt
					medication { id name form strengthText }
				} } }
				wellness(first: 5, orderBy: [{field: TAKEN_AT, direction: DESC}]) { edges { node {
					id takenAt kind mood energy painNrs systolic diastolic temperature
				} } }
			} } }
		}`,
		statement: `SELECT json_object('residents', json_object('edges', json_group_array(json_object('node', json_object(
				'id', @id(res, r.id), 'givenName', r.given_name, 'familyName', r.family_name,
				'prescriptions', json_object('edges', json((SELECT json_group_array(json_object('node', json_object(
						'id', @id(prx, p.id), 'status', p.status, 'doseAmount', @decimal(p.dose_amount), 'doseUnit', p.dose_unit,
						'timesOfDay', json(p.times_of_day), 'startsAt', p.starts_at,
						'medication', json((SELECT json_object('id', @id(med, m.id), 'name', m.name, 'form', m.form, 'strengthText', m.strength_text)
							FROM medications m WHERE m.id = p.medication_id)))))
					FROM (SELECT * FROM prescriptions WHERE resident_id = r.id AND status = 'ACTIVE' ORDER BY starts_at, id LIMIT 50) p))),
				'wellness', json_object('edges', json((SELECT json_group_array(json_object('node', json_object(
						'id', @id(wel, w.id), 'takenAt', w.taken_at, 'kind', w.kind, 'mood', w.mood, 'energy', w.energy, 'painNrs', w.pain_nrs,
						'systolic', w.systolic, 'diastolic', w.diastolic, 'temperature', @decimal(w.temperature))))
					FROM (SELECT * FROM wellnesses WHERE resident_id = r.id AND status <> 'ENTERED_IN_ERROR' ORDER BY taken_at DESC, id DESC LIMIT 5) w))))))))
			FROM (SELECT * FROM residents ORDER BY family_name, id LIMIT 50) r`,
		statements: 4, // residents, prescriptions, medications, checks
	},
	{
		name: "report",
		query: `query report {
			residents(first: 200, orderBy: [{field: FAMILY_NAME}]) { edges { node {
				id version givenName familyName birthDate sex status allergyStatus resuscitation consentFamilyAccess
				contacts { id name relationship phone isPrimary }
				allergies { id display category criticality verification reaction }
				prescriptions(where: {status: ACTIVE}, orderBy: [{field: STARTS_AT}]) { edges { node {
					id status kind doseAmount doseUnit route timesOfDay startsAt endsAt instructions prescriberName
					medication { id name form strengthText isHighRisk ingredients { id substance amountPerUnit amountUnit } }
				} } }
				participations(first: 10, orderBy: [{field: OCCURRENCE_DATE, direction: DESC}]) { edges { node {
					id occurrenceDate status engagement minutes
					activity { id title category location durationMinutes }
				} } }
				wellness(first: 30, orderBy: [{field: TAKEN_AT, direction: DESC}]) { edges { node {
					id takenAt kind mood feelings energy appetite painNrs spo2 systolic diastolic pulse temperature weight notes status
				} } }
			} } }
		}`,
		statement: `SELECT json_object('residents', json_object('edges', json_group_array(json_object('node', json_object(
				'id', @id(res, r.id), 'version', r.version, 'givenName', r.given_name, 'familyName', r.family_name, 'birthDate', r.birth_date, 'sex', r.sex,
				'status', r.status, 'allergyStatus', r.allergy_status, 'resuscitation', r.resuscitation, 'consentFamilyAccess', @bool(r.consent_family_access),
				'contacts', json((SELECT json_group_array(json_object('id', @id(con, c.id), 'name', c.name, 'relationship', c.relationship, 'phone', c.phone,
						'isPrimary', @bool(c.is_primary)))
					FROM (SELECT * FROM resident_contacts WHERE resident_id = r.id ORDER BY id) c)),
				'allergies', json((SELECT json_group_array(json_object('id', @id(alg, a.id), 'display', a.display, 'category', a.category,
						'criticality', a.criticality, 'verification', a.verification, 'reaction', a.reaction))
					FROM (SELECT * FROM allergies WHERE resident_id = r.id AND verification <> 'ENTERED_IN_ERROR' ORDER BY id) a)),
				'prescriptions', json_object('edges', json((SELECT json_group_array(json_object('node', json_object(
						'id', @id(prx, p.id), 'status', p.status, 'kind', p.kind, 'doseAmount', @decimal(p.dose_amount), 'doseUnit', p.dose_unit,
						'route', p.route, 'timesOfDay', json(p.times_of_day), 'startsAt', p.starts_at, 'endsAt', p.ends_at, 'instructions', p.instructions,
						'prescriberName', p.prescriber_name,
						'medication', json((SELECT json_object('id', @id(med, m.id), 'name', m.name, 'form', m.form, 'strengthText', m.strength_text,
								'isHighRisk', @bool(m.is_high_risk),
								'ingredients', json((SELECT json_group_array(json_object('id', @id(ing, i.id), 'substance', i.substance,
										'amountPerUnit', @decimal(i.amount_per_unit), 'amountUnit', i.amount_unit))
									FROM (SELECT * FROM medication_ingredients WHERE medication_id = m.id ORDER BY id) i)))
							FROM medications m WHERE m.id = p.medication_id)))))
					FROM (SELECT * FROM prescriptions WHERE resident_id = r.id AND status = 'ACTIVE' ORDER BY starts_at, id LIMIT 50) p))),
				'participations', json_object('edges', json((SELECT json_group_array(json_object('node', json_object(
						'id', @id(par, t.id), 'occurrenceDate', t.occurrence_date, 'status', t.status, 'engagement', t.engagement, 'minutes', t.minutes,
						'activity', json((SELECT json_object('id', @id(act, v.id), 'title', v.title, 'category', v.category, 'location', v.location,
								'durationMinutes', v.duration_minutes)
							FROM activities v WHERE v.id = t.activity_id)))))
					FROM (SELECT * FROM activity_participations WHERE resident_id = r.id AND status <> 'ENTERED_IN_ERROR'
						ORDER BY occurrence_date DESC, id DESC LIMIT 10) t))),
				'wellness', json_object('edges', json((SELECT json_group_array(json_object('node', json_object(
						'id', @id(wel, w.id), 'takenAt', w.taken_at, 'kind', w.kind, 'mood', w.mood, 'feelings', json(w.feelings), 'energy', w.energy,
						'appetite', w.appetite, 'painNrs', w.pain_nrs, 'spo2', w.spo2, 'systolic', w.systolic, 'diastolic', w.diastolic, 'pulse', w.pulse,
						'temperature', @decimal(w.temperature), 'weight', @decimal(w.weight), 'notes', w.notes, 'status', w.status)))
					FROM (SELECT * FROM wellnesses WHERE resident_id = r.id AND status <> 'ENTERED_IN_ERROR' ORDER BY taken_at DESC, id DESC LIMIT 30) w))))))))
			FROM (SELECT * FROM residents ORDER BY family_name, id LIMIT 200) r`,
		// Residents, contacts, allergies, prescriptions, medications, ingredients,
		// participations, activities, checks.
		statements: 9,
	},
	{
		name: "deep",
		query: `query deep($after: Cursor!) {
			wellness(first: 50, after: $after, orderBy: [{field: TAKEN_AT, direction: DESC}], where: {kind: ROUTINE, painNrsGTE: 7}) {
				edges { node { id takenAt painNrs energy notes resident { id familyName } } }
				pageInfo { hasNextPage }
			}
		}`,
		given: farIn,
		statement: `WITH page AS MATERIALIZED (
				SELECT * FROM wellnesses WHERE (taken_at, id) < (?, ?) AND kind = 'ROUTINE' AND pain_nrs >= 7 AND status <> 'ENTERED_IN_ERROR'
				ORDER BY taken_at DESC, id DESC LIMIT 51)
			SELECT json_object('wellness', json_object(
				'edges', json((SELECT json_group_array(json_object('node', json_object(
						'id', @id(wel, w.id), 'takenAt', w.taken_at, 'painNrs', w.pain_nrs, 'energy', w.energy, 'notes', w.notes,
						'resident', json((SELECT json_object('id', @id(res, r.id), 'familyName', r.family_name) FROM residents r WHERE r.id = w.resident_id)))))
					FROM (SELECT * FROM page LIMIT 50) w)),
				'pageInfo', json_object('hasNextPage', json((SELECT json(iif(count(*) > 50, 'true', 'false')) FROM page)))))`,
		statements: 2,
	},
}
