package app

import (
	"errors"

	"carehome/internal/problem"
	"carehome/internal/store"
)

// explain turns what the store says into what a client may read, or nil where
// the program itself is at fault.
func explain(err error) *problem.Problem {
	switch {
	case errors.Is(err, store.ErrStorageFull):
		return problem.New(problem.StorageFull, "", "the disk is full: nothing can be kept until there is room; reading goes on")
	case errors.Is(err, store.ErrReadOnly):
		return problem.Forbiddenf("nothing can be changed here at present: the records can only be read")
	case errors.Is(err, store.ErrUndone):
		return problem.New(problem.Timeout, "", "the change was undone together with another one; nothing was changed, try again")
	case errors.Is(err, store.ErrTimeout):
		return problem.New(problem.Timeout, "", "the request took too long and was given up; nothing was changed")
	case errors.Is(err, store.ErrClosed):
		return problem.New(problem.Timeout, "", "the server is stopping; nothing was changed, try again in a few seconds")
	}
	return nil
}
