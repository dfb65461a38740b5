package care_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"carehome/ent"
	"carehome/ent/staffuser"
	"carehome/internal/care"
	"carehome/internal/nodeid"
	"carehome/internal/problem"
	"carehome/internal/scalar"
	"carehome/internal/secret"
	"carehome/internal/viewer"
)

// people makes an active person of each role.
func people(t *testing.T, ctx context.Context, write care.Write) map[viewer.Role]nodeid.ID {
	t.Helper()
	made := map[viewer.Role]nodeid.ID{}
	err := write(ctx, func(ctx context.Context, tx *ent.Client) error {
		for _, role := range []viewer.Role{viewer.Admin, viewer.Manager, viewer.Nurse, viewer.Family, viewer.Sysadmin} {
			row, err := tx.StaffUser.Create().SetDisplayName(string(role)).SetEmail(string(role) + "@example.org").
				SetRole(staffuser.Role(role)).Save(ctx)
			if err != nil {
				return err
			}
			made[role] = row.ID
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func as(ctx context.Context, who map[viewer.Role]nodeid.ID, role viewer.Role) context.Context {
	return viewer.With(ctx, viewer.Viewer{ID: who[role], Role: role})
}

func TestKeys(t *testing.T) {
	ctx, write, client := home(t)
	who := people(t, ctx, write)
	var row *ent.APIKey
	var made secret.Key
	admin := as(ctx, who, viewer.Admin)
	err := write(admin, func(ctx context.Context, tx *ent.Client) (err error) {
		row, made, err = care.CreateKey(ctx, tx, ent.CreateApiKeyInput{Name: "Tablet", StaffUserID: who[viewer.Nurse]}, "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if row.Prefix != made.Prefix() || !bytes.Equal(row.Hash, made.Hash()) || row.StaffUserID != who[viewer.Nurse] ||
		row.CreatedByID == nil || *row.CreatedByID != who[viewer.Admin] {
		t.Errorf("made %v", row)
	}
	if text := fmt.Sprint(row); bytes.Contains([]byte(text), row.Hash) {
		t.Errorf("the row shows its hash: %s", text)
	}
	t.Run("Trace", func(t *testing.T) {
		err := write(ctx, func(ctx context.Context, tx *ent.Client) error {
			return tx.APIKey.UpdateOneID(row.ID).SetLastUsedAt(scalar.Now(ctx)).Exec(ctx)
		})
		now, readErr := client.APIKey.Get(ctx, row.ID)
		if err = errors.Join(err, readErr); err != nil {
			t.Fatal(err)
		}
		if now.LastUsedAt == nil || now.Version != 1 || !now.UpdatedAt.Equal(row.UpdatedAt.Time) || now.UpdatedByID == nil {
			t.Errorf("a use changed the row to %v", now)
		}
	})
	revoke := func(d care.Deletion) (now *ent.APIKey, err error) {
		err = write(admin, func(ctx context.Context, tx *ent.Client) error {
			now, err = care.RevokeKey(ctx, tx, row.ID, d)
			return err
		})
		return now, err
	}
	if _, err := revoke(care.Deletion{ExpectedVersion: new(7)}); !errors.Is(err, &problem.Problem{Code: problem.Conflict, Field: "input.expectedVersion"}) {
		t.Errorf("a stale version: %v", err)
	}
	for range 2 { // the second time changes nothing
		now, err := revoke(care.Deletion{})
		if err != nil || now.RevokedAt == nil || now.Version != 2 {
			t.Errorf("revoked: %v, %v", now, err)
		}
	}
}

func TestErrKeys(t *testing.T) {
	ctx, write, _ := home(t)
	who := people(t, ctx, write)
	past := graphql.OmittableOf(new(scalar.At(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))))
	for name, tc := range map[string]struct {
		asks viewer.Role
		in   ent.CreateApiKeyInput
		want *problem.Problem
	}{
		"OK":                {viewer.Sysadmin, ent.CreateApiKeyInput{Name: "Backup", StaffUserID: who[viewer.Sysadmin]}, nil},
		"ErrExpired":        {viewer.Admin, ent.CreateApiKeyInput{Name: "Old", StaffUserID: who[viewer.Nurse], ExpiresAt: past}, &problem.Problem{Code: problem.Invalid, Field: "input.expiresAt"}},
		"ErrNobody":         {viewer.Admin, ent.CreateApiKeyInput{Name: "Ghost", StaffUserID: nodeid.New(nodeid.StaffUser, 99)}, &problem.Problem{Code: problem.NotFound, Field: "input.staffUserID"}},
		"ErrManager":        {viewer.Manager, ent.CreateApiKeyInput{Name: "Mine", StaffUserID: who[viewer.Manager]}, &problem.Problem{Code: problem.Forbidden}},
		"ErrFamily":         {viewer.Family, ent.CreateApiKeyInput{Name: "Mine", StaffUserID: who[viewer.Family]}, &problem.Problem{Code: problem.Forbidden}},
		"ErrMachineForCare": {viewer.Sysadmin, ent.CreateApiKeyInput{Name: "Peek", StaffUserID: who[viewer.Nurse]}, &problem.Problem{Code: problem.Forbidden}},
	} {
		t.Run(name, func(t *testing.T) {
			err := write(as(ctx, who, tc.asks), func(ctx context.Context, tx *ent.Client) error {
				_, _, err := care.CreateKey(ctx, tx, tc.in, "")
				return err
			})
			if tc.want == nil && err != nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestStaffUsersStayThemselves(t *testing.T) {
	ctx, write, _ := home(t)
	who := people(t, ctx, write)
	forbidden := &problem.Problem{Code: problem.Forbidden}
	forbiddenRole := &problem.Problem{Code: problem.Forbidden, Field: "input.role"}
	for _, tc := range []struct {
		name   string
		asks   viewer.Role
		change func(tx *ent.Client) error
		want   *problem.Problem
	}{
		{"ErrLastAdminRole", viewer.Admin, func(tx *ent.Client) error {
			return tx.StaffUser.UpdateOneID(who[viewer.Admin]).SetRole(staffuser.RoleNurse).Exec(ctx)
		}, &problem.Problem{Code: problem.Conflict, Field: "input.role"}},
		{"ErrLastAdminActive", viewer.Admin, func(tx *ent.Client) error {
			return tx.StaffUser.UpdateOneID(who[viewer.Admin]).SetActive(false).Exec(ctx)
		}, &problem.Problem{Code: problem.Conflict, Field: "input.active"}},
		{"ErrOwnRole", viewer.Sysadmin, func(tx *ent.Client) error {
			return tx.StaffUser.UpdateOneID(who[viewer.Sysadmin]).SetRole(staffuser.RoleAdmin).Exec(as(ctx, who, viewer.Sysadmin))
		}, forbiddenRole},
		{"ErrOthersSubject", viewer.Sysadmin, func(tx *ent.Client) error {
			return tx.StaffUser.UpdateOneID(who[viewer.Nurse]).SetSubject("mine").Exec(as(ctx, who, viewer.Sysadmin))
		}, forbidden},
		{"ErrNewNurse", viewer.Sysadmin, func(tx *ent.Client) error {
			return tx.StaffUser.Create().SetDisplayName("N").SetEmail("n@example.org").SetRole(staffuser.RoleNurse).Exec(as(ctx, who, viewer.Sysadmin))
		}, forbiddenRole},
		{"ErrManagerMakesAdmin", viewer.Manager, func(tx *ent.Client) error {
			return tx.StaffUser.UpdateOneID(who[viewer.Manager]).SetRole(staffuser.RoleAdmin).Exec(as(ctx, who, viewer.Manager))
		}, forbiddenRole},
		{"ErrManagerIsAdmin", viewer.Manager, func(tx *ent.Client) error {
			return tx.StaffUser.UpdateOneID(who[viewer.Admin]).SetEmail("mine@example.org").Exec(as(ctx, who, viewer.Manager))
		}, forbidden},
		{"ManagerMakesNurse", viewer.Manager, func(tx *ent.Client) error {
			return tx.StaffUser.Create().SetDisplayName("M").SetEmail("m@example.org").SetRole(staffuser.RoleNurse).Exec(as(ctx, who, viewer.Manager))
		}, nil},
		{"NewSysadmin", viewer.Sysadmin, func(tx *ent.Client) error {
			return tx.StaffUser.Create().SetDisplayName("S").SetEmail("s@example.org").SetRole(staffuser.RoleSysadmin).Exec(as(ctx, who, viewer.Sysadmin))
		}, nil},
		{"Deactivates", viewer.Sysadmin, func(tx *ent.Client) error {
			return tx.StaffUser.UpdateOneID(who[viewer.Nurse]).SetActive(false).Exec(as(ctx, who, viewer.Sysadmin))
		}, nil},
		{"SecondAdmin", viewer.Admin, func(tx *ent.Client) error {
			return tx.StaffUser.UpdateOneID(who[viewer.Manager]).SetRole(staffuser.RoleAdmin).Exec(ctx)
		}, nil},
		{"FirstAdminLeaves", viewer.Admin, func(tx *ent.Client) error {
			return tx.StaffUser.UpdateOneID(who[viewer.Admin]).SetActive(false).Exec(ctx)
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := write(as(ctx, who, tc.asks), func(_ context.Context, tx *ent.Client) error { return tc.change(tx) })
			if tc.want == nil && err != nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
