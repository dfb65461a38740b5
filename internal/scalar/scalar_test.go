package scalar_test

import (
	"context"
	"encoding/json"
	"math"
	"math/big"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"carehome/internal/scalar"
)

// The vectors hold RFC 5545 3.3.5: a gap counts by the offset before it, of an
// overlap the first is meant.
func TestLocalTimesOverClockChanges(t *testing.T) {
	data, err := os.ReadFile("testdata/dst_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Cases []struct{ Zone, Wall, ExpectUTC string }
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors.Cases) != 15 {
		t.Fatalf("read %d vectors, want 15", len(vectors.Cases))
	}
	for _, c := range vectors.Cases {
		zone, err := time.LoadLocation(c.Zone)
		if err != nil {
			t.Fatal(err)
		}
		wall, err := scalar.ParseLocalDateTime(c.Wall)
		if err != nil {
			t.Fatal(err)
		}
		if got := wall.In(zone).UTC().Format(time.RFC3339); got != c.ExpectUTC {
			t.Errorf("%s in %s is %s, want %s", c.Wall, c.Zone, got, c.ExpectUTC)
		}
	}
}

func TestOrdinaryLocalTimesAgreeWithTheStandardLibrary(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(0, 4_000_000_000).Draw(t, "at")/60*60, 0).In(zone)
		if at.Hour() < 4 {
			return // clocks change at night; the vectors hold those
		}
		wall, err := scalar.ParseLocalDateTime(at.Format("2006-01-02T15:04"))
		if err != nil {
			t.Fatal(err)
		}
		if got := wall.In(zone); !got.Equal(at) {
			t.Fatalf("%v is %v, want %v", wall, got, at)
		}
	})
}

func TestStoredTimesSortAsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) scalar.Time {
			zone := time.FixedZone("", rapid.IntRange(-14*3600, 14*3600).Draw(t, name+" offset"))
			return scalar.At(time.UnixMilli(rapid.Int64Range(-2e12, 4e12).Draw(t, name)).In(zone))
		}
		a, b := draw("a"), draw("b")
		if a.Before(b.Time) != (a.String() < b.String()) {
			t.Fatalf("%v and %v sort otherwise as text", a, b)
		}
		var again scalar.Time
		if err := again.Scan(a.String()); err != nil || !again.Equal(a.Time) {
			t.Fatalf("%v reads back as %v, %v", a, again, err)
		}
	})
}

func TestTimesAreReadWithAnyOffset(t *testing.T) {
	var got scalar.Time
	if err := got.UnmarshalGQL("2026-03-29T09:30:00.1239+02:00"); err != nil || got.String() != "2026-03-29T07:30:00.123Z" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []any{"2026-03-29", "2026-03-29 09:30", "", 17, nil, "2026-02-30T00:00:00Z"} {
		if err := new(scalar.Time).UnmarshalGQL(bad); err == nil {
			t.Errorf("%v was taken as a time", bad)
		}
	}
}

func TestDates(t *testing.T) {
	for _, bad := range []string{"2026-02-29", "2026-2-1", "26-02-01", "2026-02-01T00:00:00Z", ""} {
		if d, err := scalar.ParseDate(bad); err == nil {
			t.Errorf("%q was read as %v", bad, d)
		}
	}
	leap := scalar.DateOf(2024, 2, 29)
	if got := leap.AddDays(1).String(); got != "2024-03-01" {
		t.Errorf("the day after %v is %s", leap, got)
	}
	ctx := scalar.WithClock(context.Background(), func() time.Time { return time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC) })
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	if got := scalar.Today(ctx, newYork).String(); got != "2025-12-31" {
		t.Errorf("today in New York is %s", got)
	}
	var scanned scalar.Date
	if err := scanned.Scan([]byte("1939-05-17")); err != nil || scanned.Year() != 1939 || scanned.Month() != 5 || scanned.Day() != 17 {
		t.Errorf("scanned %v, %v", scanned, err)
	}
	if leap.IsZero() || !(scalar.Date{}).IsZero() || leap.Compare(leap.AddDays(1)) >= 0 {
		t.Error("comparison is wrong")
	}
}

func TestLocalTimesOfDay(t *testing.T) {
	for _, bad := range []string{"24:00", "8:30", "08:60", "08:30:00", "", "0830"} {
		if lt, err := scalar.ParseLocalTime(bad); err == nil {
			t.Errorf("%q was read as %v", bad, lt)
		}
	}
	data, err := json.Marshal([]scalar.LocalTime{510, 1200})
	if err != nil || string(data) != `["08:30","20:00"]` {
		t.Errorf("written as %s, %v", data, err)
	}
	var back []scalar.LocalTime
	if err := json.Unmarshal(data, &back); err != nil || !slices.Equal(back, []scalar.LocalTime{510, 1200}) {
		t.Errorf("read as %v, %v", back, err)
	}
}

func TestDecimalsAreExact(t *testing.T) {
	for text, want := range map[string]string{
		"2.5": "2.5", "0": "0", "-0.25": "-0.25", "500": "500", "1e2": "100", "0.0001": "0.0001", "5E-1": "0.5", "007.50": "7.5",
	} {
		if d, err := scalar.ParseDecimal(text); err != nil || d.String() != want {
			t.Errorf("%q is %v, %v, want %s", text, d, err, want)
		}
	}
	for _, bad := range []any{"", "abc", "1.00001", "NaN", "Infinity", "1e400", "1e-9", "99999999999999999999", "1,5", 2.5, nil, true} {
		if err := new(scalar.Decimal).UnmarshalGQL(bad); err == nil {
			t.Errorf("%v was taken as a decimal", bad)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		d := scalar.Decimal(rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, "d"))
		again, err := scalar.ParseDecimal(d.String())
		if err != nil || again != d {
			t.Fatalf("%d is %s, reads back as %d, %v", int64(d), d, int64(again), err)
		}
	})
}

func TestRoundingIsHalfAwayFromZero(t *testing.T) {
	for _, c := range []struct {
		text    string
		places  int
		want    string
		rounded bool
	}{
		{"157.61", 0, "158", true}, {"83.415", 1, "83.4", true}, {"83.45", 1, "83.5", true}, {"-83.45", 1, "-83.5", true},
		{"2.5", 0, "3", true}, {"2.50", 1, "2.5", false}, {"0.00005", 4, "0.0001", true}, {"36.6", 1, "36.6", false},
		{"82.050000000000000001", 1, "82.1", true},
	} {
		got, rounded, err := scalar.RoundDecimal(c.text, c.places)
		if err != nil || got.String() != c.want || rounded != c.rounded {
			t.Errorf("%s to %d places is %v, %v, %v, want %s, %v", c.text, c.places, got, rounded, err, c.want, c.rounded)
		}
	}
	// Against exact rationals: |d - x| <= half a step, and ties go outwards.
	rapid.Check(t, func(t *rapid.T) {
		thousandths := rapid.Int64Range(-1e9, 1e9).Draw(t, "thousandths")
		x := big.NewRat(thousandths, 1000)
		got, _, err := scalar.RoundDecimal(x.FloatString(3), 1)
		if err != nil {
			t.Fatal(err)
		}
		off := new(big.Rat).Sub(big.NewRat(int64(got), 10_000), x)
		limit := big.NewRat(5, 100)
		if off.Cmp(limit) > 0 || new(big.Rat).Neg(off).Cmp(limit) > 0 || !got.HasPlaces(1) {
			t.Fatalf("%s rounds to %s", x.FloatString(3), got)
		}
		if off.Sign() != 0 && off.Sign() != x.Sign() && new(big.Rat).Abs(off).Cmp(limit) == 0 {
			t.Fatalf("%s rounds towards zero to %s", x.FloatString(3), got)
		}
	})
}

func TestFold(t *testing.T) {
	for text, want := range map[string]string{
		"García  Ruiz": "garcia ruiz", "ÑANDÚ": "nandu", "Müller-Weiß": "muller-weiss", " ": "", "Åsa": "asa", "e\u0301": "e",
	} {
		if got := scalar.Fold(text); got != want {
			t.Errorf("%q folds to %q, want %q", text, got, want)
		}
	}
}
