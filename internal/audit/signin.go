package audit

import "strings"

// SignIn is the operation of the events that tell of somebody who says who they
// are.
const SignIn = "sign in"

const fromMark = "from "

// From is the reason of such an event: from where, and whatever more is known.
func From(address, more string) string {
	if more != "" {
		more = " " + more
	}
	return fromMark + address + more
}

// address is what From was given; empty where the event tells of several.
func (e *Event) address() string {
	rest, found := strings.CutPrefix(e.Reason, fromMark)
	if !found || e.Operation != SignIn {
		return ""
	}
	address, _, _ := strings.Cut(rest, " ")
	return address
}
