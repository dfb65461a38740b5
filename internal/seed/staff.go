package seed

import (
	"context"
	"fmt"
	"time"

	"carehome/ent"
	"carehome/ent/staffuser"
	"carehome/internal/nodeid"
	"carehome/internal/scalar"
	"carehome/internal/viewer"
	"carehome/schema"
)

const (
	homeName = "Casa del Sol (demo)"
	timeZone = "Europe/Madrid"
)

// rounds cover the day, so that every dose belongs to one.
func rounds() []schema.Period {
	return []schema.Period{
		{Code: "MORNING", Label: "Morning round", From: hm(630), To: hm(1100)},
		{Code: "NOON", Label: "Midday round", From: hm(1100), To: hm(1600)},
		{Code: "EVENING", Label: "Evening round", From: hm(1600), To: hm(2130)},
		{Code: "NIGHT", Label: "Night round", From: hm(2130), To: hm(630)},
	}
}

func shifts() []schema.Period {
	return []schema.Period{
		{Code: "DAY", Label: "Day shift", From: hm(700), To: hm(1500)},
		{Code: "LATE", Label: "Late shift", From: hm(1500), To: hm(2200)},
		{Code: "NIGHT", Label: "Night shift", From: hm(2200), To: hm(700)},
	}
}

// person is one of the staff, or another who signs in.
type person struct {
	id    nodeid.ID
	name  string
	email string
	role  viewer.Role
	gone  bool
}

func staff() []*person {
	return []*person{
		{name: "Marta Iglesias Pardo", email: "marta.iglesias", role: viewer.Manager},
		{name: "Elena Vidal Roca", email: "elena.vidal", role: viewer.Nurse},
		{name: "Íñigo Etxeberria Sáez", email: "inigo.etxeberria", role: viewer.Nurse},
		{name: "Rosa Fernández Otero", email: "rosa.fernandez", role: viewer.Nurse},
		{name: "Ana López Martín", email: "ana.lopez", role: viewer.Carer},
		{name: "Yolanda Peña Cruz", email: "yolanda.pena", role: viewer.Carer},
		{name: "Mihai Popescu", email: "mihai.popescu", role: viewer.Carer},
		{name: "Fátima El Amrani", email: "fatima.elamrani", role: viewer.Carer},
		{name: "Óscar Núñez Gil", email: "oscar.nunez", role: viewer.Carer, gone: true},
		{name: "Núria Puig Serra", email: "nuria.puig", role: viewer.ActivityCoordinator},
		{name: "Regional reporting", email: "reporting", role: viewer.Reporting},
		{name: "Lucía García Ruiz", email: "lucia.garcia", role: viewer.Family},
		{name: "Jonas Weber", email: "jonas.weber", role: viewer.Sysadmin},
	}
}

// anyOf is one of those who have the role and have not left; n says which.
func (h *home) anyOf(role viewer.Role, n int) *person {
	var those []*person
	for _, p := range h.staff {
		if p.role == role && !p.gone {
			those = append(those, p)
		}
	}
	return those[n%len(those)]
}

// onDuty is who checks a group of residents at a time of day: carers by day,
// nurses by night.
func (h *home) onDuty(day scalar.Date, t scalar.LocalTime, group int) *person {
	n := group + day.UTC().YearDay()
	if t >= hm(2200) || t < hm(700) {
		return h.anyOf(viewer.Nurse, n)
	}
	if t >= hm(1500) {
		n++
	}
	return h.anyOf(viewer.Carer, n)
}

// enterFacility shapes the home's one row, or makes it where none was made yet.
func (h *home) enterFacility(ctx context.Context, tx *ent.Client) error {
	// A row that is there was made a moment ago, so this is no entry of the past.
	ctx = scalar.WithClock(ctx, func() time.Time { return h.now })
	there, err := tx.Facility.Query().OnlyID(ctx)
	switch {
	case ent.IsNotFound(err):
		return tx.Facility.Create().SetName(homeName).SetTimeZone(timeZone).SetRounds(rounds()).SetShifts(shifts()).Exec(ctx)
	case err != nil:
		return fmt.Errorf("looking for it: %w", err)
	}
	return tx.Facility.UpdateOneID(there).SetName(homeName).SetTimeZone(timeZone).SetRounds(rounds()).SetShifts(shifts()).Exec(ctx)
}

func (h *home) enterStaff(ctx context.Context, tx *ent.Client) error {
	rows := make([]*ent.StaffUserCreate, len(h.staff))
	for i, p := range h.staff {
		rows[i] = tx.StaffUser.Create().SetDisplayName(p.name).SetEmail(p.email + "@casadelsol.example").
			SetRole(staffuser.Role(p.role)).SetActive(!p.gone)
	}
	made, err := tx.StaffUser.CreateBulk(rows...).Save(ctx)
	if err != nil {
		return err
	}
	for i, row := range made {
		h.staff[i].id = row.ID
	}
	h.made.Staff = len(made)
	return nil
}
