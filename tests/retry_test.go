package tests

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// retriesEnv is how many requests are sent, ten under each key; 400 in a plain run.
	retriesEnv = "CAREHOME_TEST_RETRIES"
	// racesEnv is how many versions are raced for; 50 in a plain run.
	racesEnv = "CAREHOME_TEST_RACES"
	// retryKills is how often the server is killed meanwhile.
	retryKills = 2
)

// site is where a server is that is killed and started again.
type site struct {
	mu   sync.Mutex
	url  string
	next chan struct{} // closed when it is somewhere else
}

func (s *site) at() (url string, next chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url, s.next
}

func (s *site) move(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != nil {
		close(s.next)
	}
	s.url, s.next = url, make(chan struct{})
}

// TestRetries: whoever sends the same again, at once or after a crash, changes
// nothing more and is told of the same row.
func TestRetries(t *testing.T) {
	total := scale(t, retriesEnv, 400)
	const each, workers = 10, 16
	keys := (total + each - 1) / each
	database := filepath.Join(t.TempDir(), "home.db")
	server := launch(t, database)
	h := newHome(t, server.url, workers)
	rows := make([]string, keys) // what every second key changes
	for i := range rows {
		if i%2 == 1 {
			data := read(t, server.url, createCheck, map[string]any{"i": map[string]any{
				"residentID": h.residents[0], "takenAt": "2026-01-01T08:00:00Z", "energy": 1,
			}})
			rows[i] = at(t, data, "change", "wellness", "id").(string)
		}
	}

	jobs := make([]int, 0, keys*each)
	for i := range keys {
		jobs = append(jobs, slices.Repeat([]int{i}, each)...)
	}
	rand.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	var place site
	place.move(server.url)
	var answered, again atomic.Int64
	kills := make([]chan struct{}, retryKills)
	for i := range kills {
		kills[i] = make(chan struct{})
	}
	var told [workers]map[int][]check
	queue := make(chan int, len(jobs))
	for _, job := range jobs {
		queue <- job
	}
	close(queue)
	done := make(chan error, workers)
	for w := range workers {
		told[w] = map[int][]check{}
		go func() {
			for i := range queue {
				input := map[string]any{"idempotencyKey": fmt.Sprint("key ", i), "energy": 5}
				variables, query := map[string]any{"i": input}, updateCheck
				if i%2 == 0 {
					input["residentID"], input["takenAt"], input["notes"] = h.residents[1], "2026-01-01T08:00:00Z", fmt.Sprint("made ", i)
					query = createCheck
				} else {
					variables["id"], input["expectedVersion"] = rows[i], 1
				}
				for {
					url, next := place.at()
					var data struct{ Change struct{ Wellness check } }
					err := post(t.Context(), h.http, url, query, variables, &data)
					if err == nil {
						told[w][i] = append(told[w][i], data.Change.Wellness)
						break
					}
					var refused refusal
					if errors.As(err, &refused) {
						done <- fmt.Errorf("key %d: %w", i, err)
						return
					}
					again.Add(1)
					select {
					case <-next:
					case <-time.After(patience):
						done <- fmt.Errorf("key %d: nobody answers: %w", i, err)
						return
					}
				}
				n := int(answered.Add(1))
				for k, kill := range kills {
					if n == len(jobs)*(k+1)/(len(kills)+1) {
						close(kill)
					}
				}
			}
			done <- nil
		}()
	}
	for _, kill := range kills {
		select {
		case <-kill:
		case err := <-done:
			t.Fatalf("a client gave up: %v", err)
		}
		if err := server.command.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := ended(t, server); err == nil {
			t.Error("the server was killed and says that it ended well")
		}
		server = launch(t, database)
		place.move(server.url)
	}
	for range workers {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}

	of := map[int]check{}
	answers := 0
	for _, by := range told {
		for i, checks := range by {
			for _, c := range checks {
				answers++
				if first, known := of[i]; known && first.ID != c.ID {
					t.Errorf("key %d is told of %s and %s", i, first.ID, c.ID)
				}
				of[i] = c
				if want := i%2 + 1; c.Version != want || i%2 == 1 && c.ID != rows[i] {
					t.Errorf("key %d is answered with %+v", i, c)
				}
			}
		}
	}
	data := read(t, server.url, `query($r: ID!) { wellness(where: {hasResidentWith: [{id: $r}]}) { totalCount } auditEvents(where: {entityIDNotNil: true, actionIn: [UPDATE, CORRECT]}) { totalCount }
		gaps: auditEvents(where: {action: GAP}) { totalCount } }`,
		map[string]any{"r": h.residents[1]})
	made, changed := at(t, data, "wellness", "totalCount"), at(t, data, "auditEvents", "totalCount")
	if answers != len(jobs) || len(of) != keys || made != float64((keys+1)/2) || changed != float64(keys/2) {
		t.Errorf("%d answers of %d, %d keys of %d: %v rows were made, want %d, and %v changed, want %d",
			answers, len(jobs), len(of), keys, made, (keys+1)/2, changed, keys/2)
	}
	if gaps := at(t, data, "gaps", "totalCount"); gaps != float64(retryKills) {
		t.Errorf("the record tells of %v times that the server did not stop in order, want %d", gaps, retryKills)
	}
	if err := server.stop(); err != nil {
		t.Error(err)
	}
	t.Logf("%d requests under %d keys, %d of them sent again after %d kills: %v rows made and %v changed, 0 twice", len(jobs), keys, again.Load(), retryKills, made, changed)
}

// TestRaces: of all who change one version of a row, one does.
func TestRaces(t *testing.T) {
	races := scale(t, racesEnv, 50)
	const racers = 4
	server := launch(t, filepath.Join(t.TempDir(), "home.db"))
	h := newHome(t, server.url, racers)
	if err := h.record(t.Context(), "row", "", 1); err != nil {
		t.Fatal(err)
	}
	id := h.ledger.id("row")
	for version := 1; version <= races; version++ {
		var won, lost atomic.Int64
		var all sync.WaitGroup
		start := make(chan struct{})
		for r := range racers {
			all.Go(func() {
				<-start
				input := map[string]any{"energy": version%10 + 1, "notes": fmt.Sprint(version, " by ", r), "expectedVersion": version}
				var data struct{ Change struct{ Wellness check } }
				err := post(t.Context(), h.http, server.url, updateCheck, map[string]any{"id": id, "i": input}, &data)
				var refused refusal
				switch {
				case err == nil && data.Change.Wellness.Version >= version+1:
					won.Add(1)
				case errors.As(err, &refused) && refused.code == "CONFLICT":
					lost.Add(1)
				default:
					t.Errorf("version %d: %v, %+v", version, err, data)
				}
			})
		}
		close(start)
		all.Wait()
		if won.Load() != 1 || lost.Load() != racers-1 {
			t.Fatalf("version %d: %d won and %d lost", version, won.Load(), lost.Load())
		}
	}
	if err := server.stop(); err != nil {
		t.Error(err)
	}
	t.Logf("%d races of %d, each with one winner", races, racers)
}
