package app

import (
	"sync"
	"testing"
)

func TestGate(t *testing.T) {
	var g gate
	if now, ok := g.enter(); ok || now != starting {
		t.Fatal("a starting server lets requests in")
	}
	g.open()
	if _, ok := g.enter(); !ok {
		t.Fatal("an open gate refuses")
	}
	if _, ok := g.enter(); !ok {
		t.Fatal("an open gate refuses the second")
	}
	empty := g.shut()
	if now, ok := g.enter(); ok || now != stopping {
		t.Fatal("a shut gate lets requests in")
	}
	g.open()
	if _, ok := g.enter(); ok {
		t.Fatal("a shut gate opens again")
	}
	g.leave()
	select {
	case <-empty:
		t.Fatal("the gate is empty with one inside")
	default:
	}
	if now, inside := g.state(); now != stopping || inside != 1 {
		t.Errorf("the state is %v with %d inside", now, inside)
	}
	g.leave()
	<-empty
}

func TestGateEmptyAtOnce(t *testing.T) {
	var g gate
	<-g.shut()
}

// TestGateRace lets many pass while it is shut: the channel closes once, after
// the last one has left.
func TestGateRace(t *testing.T) {
	var g gate
	g.open()
	var inside, left sync.WaitGroup
	for range 50 {
		inside.Add(1)
		left.Add(1)
		go func() {
			defer left.Done()
			_, ok := g.enter()
			inside.Done()
			if ok {
				g.leave()
			}
		}()
	}
	inside.Wait()
	<-g.shut()
	left.Wait()
	if _, n := g.state(); n != 0 {
		t.Errorf("%d are inside an empty gate", n)
	}
}
