package transport

import (
	"mime"
	"strconv"
	"strings"
)

// The media types of an answer. JSON is the older one, for clients that know no
// other: its status is 200 for every request that could be read as one. It is also
// what a client gets that does not care.
const (
	jsonType    = "application/json"
	graphqlType = "application/graphql-response+json"
)

// negotiate chooses the media type of an answer by the values of Accept (RFC 9110,
// 12.5.1): the one with the highest weight; of equal weights the one that is named
// first. It is empty if the client takes neither.
func negotiate(accept []string) string {
	header := strings.TrimSpace(strings.Join(accept, ","))
	if header == "" {
		return jsonType
	}
	ranges := acceptRanges(header)
	best, chosen := preference{}, ""
	for _, offer := range []string{jsonType, graphqlType} {
		if p := prefer(ranges, offer); p.weight > 0 && p.above(best) {
			best, chosen = p, offer
		}
	}
	return chosen
}

// acceptRange is one element of an Accept header.
type acceptRange struct {
	name   string // "type/subtype", "type/*" or "*/*"
	weight float64
}

// acceptRanges reads the elements that can be read.
func acceptRanges(header string) []acceptRange {
	var ranges []acceptRange
	for element := range strings.SplitSeq(header, ",") {
		name, parameters, err := mime.ParseMediaType(element)
		if err != nil || !strings.Contains(name, "/") {
			continue
		}
		r := acceptRange{name: name, weight: 1}
		if q, ok := parameters["q"]; ok {
			if r.weight, err = strconv.ParseFloat(q, 64); err != nil || !(r.weight >= 0 && r.weight <= 1) {
				continue
			}
		}
		if charset, ok := parameters["charset"]; ok && !isUTF8(charset) {
			continue
		}
		ranges = append(ranges, r)
	}
	return ranges
}

// preference is how much a client wants a media type.
type preference struct {
	weight float64
	// exactness is 2 for the type's own name, 1 for its family, 0 for anything.
	exactness int
	position  int
}

// prefer is what the most exact range that covers a media type says of it.
func prefer(ranges []acceptRange, offer string) preference {
	found := preference{exactness: -1}
	family, _, _ := strings.Cut(offer, "/")
	for i, r := range ranges {
		exactness := -1
		switch r.name {
		case offer:
			exactness = 2
		case family + "/*":
			exactness = 1
		case "*/*":
			exactness = 0
		}
		if exactness > found.exactness {
			found = preference{r.weight, exactness, i}
		}
	}
	return found
}

func (p preference) above(q preference) bool {
	switch {
	case p.weight != q.weight:
		return p.weight > q.weight
	case p.exactness != q.exactness:
		return p.exactness > q.exactness
	}
	return p.position < q.position
}

func isUTF8(charset string) bool {
	return strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}
