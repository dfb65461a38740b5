package reference

import "carehome/internal/problem"

// about is what the first page says beside the list of the others. Words between
// backticks are code.
const about = "Every type, field, argument and value of the graph, with its unit, range or an example. " +
	"The graph is one address, `/graphql`; the playground at `/` asks it from a browser."

// convention is one that holds everywhere.
type convention struct{ title, text string }

func conventions() []convention {
	return []convention{
		{"Asking", "POST `{\"query\": …, \"variables\": …, \"operationName\": …}` as `application/json`; queries also by GET. " +
			"The answer has `data`, `errors` where something went wrong, or both."},
		{"IDs", "An id such as `res_17` names one row of one kind. Treat it as opaque; `node(id)` and `nodes(ids)` find any."},
		{"Lists", "`first` or `last`, 50 rows if neither is given and at most 200; `after` or `before` a cursor; `orderBy` several keys; " +
			"`totalCount` counts what the filter leaves. Every order ends in the id, so that pages neither repeat nor miss a row."},
		{"Filters", "`where` has each field with its comparisons, `and`, `or` and `not`, and what belongs to a row by `hasX` and `hasXWith`. " +
			"Words to search for find other accents and cases too."},
		{"Values", "Times are RFC 3339 and answered in UTC; days are `2026-03-29`; doses and measures are exact decimals as text. " +
			"What is not known is null, never 0."},
		{"Changes", "One `input`, with `id` for what is there already. A field that is left out stays as it is, null clears it. " +
			"`expectedVersion` turns a change that somebody else was faster with into CONFLICT."},
		{"Errors", "`extensions.code` says what kind it is, `extensions.field` which argument it is about, `extensions.requestId` where to look in the log. " +
			"Messages are in English or Spanish, by `Accept-Language`; the codes are these:"},
	}
}

// meaning says what a code of errors means.
func meaning(code problem.Code) string {
	return map[problem.Code]string{
		problem.Invalid:         "The request or its input can never be right, whatever the data.",
		problem.NotFound:        "There is no such row, or it may not be seen; the two are never told apart.",
		problem.Conflict:        "The input is right, but what is there does not allow it.",
		problem.Forbidden:       "Who asks may not do this.",
		problem.Unauthenticated: "The request does not say who asks.",
		problem.SafetyBlock:     "It would endanger a resident.",
		problem.LimitExceeded:   "It asks for too much, or too often; `limit` and `actual` stand beside it.",
		problem.StorageFull:     "The disk has no room for changes; reading goes on.",
		problem.Timeout:         "It took too long and was given up.",
		problem.Internal:        "Something is wrong here; the request's id tells us what.",
	}[code]
}
