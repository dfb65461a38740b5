package documents

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Manifest is the list of the documents that may be asked at all.
type Manifest struct {
	texts  map[string]string // by their ids
	hashed map[string]string // by their hashes
}

// ParseManifest reads a manifest: an object of texts by id, as graphql-codegen writes
// it, or Apollo's, with a list of operations that have an id and a body.
func ParseManifest(text []byte) (*Manifest, error) {
	var operations struct {
		Format     string `json:"format"`
		Version    int    `json:"version"`
		Operations []struct {
			ID   string `json:"id"`
			Body string `json:"body"`
		} `json:"operations"`
	}
	texts := map[string]string{}
	if err := json.Unmarshal(text, &operations); err == nil && operations.Operations != nil {
		if operations.Version != 1 {
			return nil, fmt.Errorf("a manifest of version %d is not known, only 1", operations.Version)
		}
		for _, o := range operations.Operations {
			if known, twice := texts[o.ID]; twice && known != o.Body {
				return nil, fmt.Errorf("the id %q stands there twice", o.ID)
			}
			texts[o.ID] = o.Body
		}
	} else if err := json.Unmarshal(text, &texts); err != nil {
		return nil, fmt.Errorf("neither an object of documents by their ids, nor a list of operations: %w", err)
	}
	m := &Manifest{texts: texts, hashed: map[string]string{}}
	for id, document := range texts {
		if id == "" || document == "" {
			return nil, errors.New("a document and its id must not be empty")
		}
		m.hashed[Hash(document)] = document
	}
	if len(m.hashed) == 0 {
		return nil, errors.New("it has no document")
	}
	return m, nil
}

// Text is the document of an id: that of the manifest, or its SHA-256.
func (m *Manifest) Text(id string) (text string, found bool) {
	if text, found = m.texts[id]; !found {
		text, found = m.hashed[id]
	}
	return text, found
}

// Has reports whether a text is one of the documents.
func (m *Manifest) Has(text string) bool { return m.hashed[Hash(text)] != "" }

// Texts are the documents by their ids.
func (m *Manifest) Texts() map[string]string { return m.texts }

// Hash is the SHA-256 of a text in hexadecimal, which clients leave a document under.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
