package secret_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"carehome/internal/secret"
)

func TestRoundTrip(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		key := secret.New()
		text := key.Reveal()
		again, ok := secret.Parse(text)
		if !ok || again != key || len(text) != 70 || !strings.HasPrefix(text, key.Prefix()+"_") || len(key.Prefix()) != 17 {
			t.Fatalf("%q is read as %q, %v; its prefix is %q", text, again.Reveal(), ok, key.Prefix())
		}
		if sum := sha256.Sum256([]byte(text)); !bytes.Equal(key.Hash(), sum[:]) {
			t.Fatalf("the hash of %q is %x", text, key.Hash())
		}
		if seen[text] {
			t.Fatalf("%q came twice", text)
		}
		seen[text] = true
	}
}

func TestErrMalformed(t *testing.T) {
	good := secret.New().Reveal()
	for name, text := range map[string]string{
		"Empty": "", "Mark": secret.Mark, "Short": good[:len(good)-1], "Long": good + "a", "OtherMark": "carehous_" + good[len(secret.Mark):],
		"UpperCase": strings.ToUpper(good), "Blank": " " + good, "NoSecret": good[:18], "Foreign": good[:len(good)-1] + "é",
		// The last letter stands for one bit: another that shares it would be a
		// second text of the same key.
		"NotCanonical": good[:len(good)-1] + "b",
		"Letter":       good[:30] + "0" + good[31:],
	} {
		if key, ok := secret.Parse(text); ok {
			t.Errorf("%s: %q is read as %q", name, text, key.Reveal())
		}
	}
}

func TestHidesItself(t *testing.T) {
	key := secret.New()
	hidden := key.Reveal()[len(key.Prefix())+1:]
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("made", "key", key)
	for _, shown := range []string{fmt.Sprint(key), fmt.Sprintf("%v %+v %#v %s %q", key, key, key, key, key), log.String()} {
		if strings.Contains(shown, hidden) || !strings.Contains(shown, key.Prefix()) {
			t.Errorf("it shows %s", shown)
		}
	}
	if plain, err := json.Marshal(key.Reveal()); err != nil || !strings.Contains(string(plain), hidden) {
		t.Errorf("what is revealed is %s, %v", plain, err)
	}
}
