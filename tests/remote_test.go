package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestRemote runs the suite as it runs in a container of its own: against a server
// that somebody else started and that asks for a key. The second time it meets what
// the first left behind.
func TestRemote(t *testing.T) {
	if os.Getenv(address) != "" {
		t.Skip("SKIPPED: this is such a run")
	}
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	key := filepath.Join(folder, "admin.key")
	server, err := start(binary, filepath.Join(folder, "home.db"), "--admin-key-file", key)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	}()
	for _, home := range []string{"a new home", "a home in use"} {
		suite := exec.CommandContext(t.Context(), self, "-test.timeout=5m")
		suite.Env = append(os.Environ(), address+"="+server.url, keyFile+"="+key, "CAREHOME_TEST_OPERATIONS=50")
		if said, err := suite.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", home, err, said)
		}
	}
}
