package auth_test

import (
	"testing"

	"go.uber.org/goleak"

	"carehome/internal/auth/idp"
)

func TestMain(m *testing.M) {
	idp.Main()
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}
