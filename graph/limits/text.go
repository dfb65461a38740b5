package limits

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/lexer"

	"carehome/internal/problem"
)

// CheckText reads the tokens of a document, one more than are allowed at most. Where it
// cannot read on it is content: the parser says why.
func CheckText(text string, l Limits) error {
	words := lexer.New(&ast.Source{Input: text})
	tokens, directives := 0, 0
	for {
		token, err := words.ReadToken()
		if err != nil || token.Kind == lexer.EOF {
			break
		}
		tokens++
		if tokens > l.Tokens {
			return named("tokens", problem.Limit("query", l.Tokens, tokens,
				"the document may have at most %d words and signs", l.Tokens))
		}
		if token.Kind == lexer.At {
			directives++
		}
	}
	if directives > l.Directives {
		return named("directives", problem.Limit("query", l.Directives, directives,
			"the document may have at most %d directives", l.Directives))
	}
	return nil
}
