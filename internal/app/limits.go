package app

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"carehome/graph"
	"carehome/graph/documents"
	"carehome/graph/limits"
	"carehome/internal/config"
)

// graphLimits are the limits of the graph as they are set.
func graphLimits(c config.Limits) limits.Limits {
	l := limits.Default()
	l.BodyBytes, l.Tokens, l.Depth, l.Aliases = c.Body, c.Tokens, c.Depth, c.Aliases
	l.RootFields, l.Directives, l.Conditions, l.Hops = c.RootFields, c.Directives, c.Conditions, c.Hops
	l.Cost, l.ReportingCost, l.AnswerBytes = c.Cost, c.ReportingCost, c.Answer
	l.SocketOperations, l.Time, l.Rate = c.SocketOperations, c.Time, c.Rate
	return l
}

// trusted reads the manifest of the only documents that are answered; nil without one.
// One that would be refused stops the server before a client finds out.
func trusted(c config.Limits) (*documents.Manifest, error) {
	if c.TrustedDocuments == "" {
		return nil, nil
	}
	text, err := os.ReadFile(string(c.TrustedDocuments))
	if err != nil {
		return nil, fmt.Errorf("reading the trusted documents: %w", err)
	}
	manifest, err := documents.ParseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("reading the trusted documents in %s: %w", c.TrustedDocuments, err)
	}
	if wrong := graph.CheckDocuments(manifest, graphLimits(c)); len(wrong) > 0 {
		id := slices.Min(slices.Collect(maps.Keys(wrong)))
		return nil, fmt.Errorf("%d of the trusted documents in %s cannot be answered, such as %q: %s", len(wrong), c.TrustedDocuments, id, wrong[id])
	}
	return manifest, nil
}
