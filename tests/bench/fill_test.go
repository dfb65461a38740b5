package bench

import ("testing";"context";"time";"os")

func TestFillScratch(t *testing.T) {
	for _, n := range []int{1500, 100000, 1000000} {
		os.Remove("/tmp/bench-x.db")
		s := time.Now()
		if err := fill(context.Background(), "/tmp/bench-x.db", 200, n); err != nil { t.Fatal(err) }
		st, _ := os.Stat("/tmp/bench-x.db")
		t.Log(n, time.Since(s), st.Size()>>20)
	}
}
