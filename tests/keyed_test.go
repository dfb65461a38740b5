package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKeyed holds the suite against a server that asks for keys, as it is held
// against one elsewhere: by the address and the file of the first key alone.
func TestKeyed(t *testing.T) {
	binary := ownServer(t)
	folder := t.TempDir()
	key := filepath.Join(folder, "admin.key")
	server, err := start(binary, filepath.Join(folder, "home.db"), "--admin-key-file", key)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	}()
	if got, err := trySend(server.url, "{ __typename }"); err != nil || len(got.Errors) != 1 || got.Errors[0].Extensions["code"] != "UNAUTHENTICATED" {
		t.Fatalf("without a key: %+v, %v", got, err)
	}
	suite := exec.Command(os.Args[0], "-test.timeout=10m")
	for _, variable := range os.Environ() {
		// A small run, without programs that this machine may have.
		if !strings.HasPrefix(variable, "CAREHOME_") && !strings.HasPrefix(variable, "PATH=") {
			suite.Env = append(suite.Env, variable)
		}
	}
	suite.Env = append(suite.Env, address+"="+server.url, keyFile+"="+key)
	if output, err := suite.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
