package locale

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// folders are where messages for clients are written. The generated ent has
// those of its templates.
func folders() []string {
	return []string{"../care", "../access", "../relay", "../app", "../scalar", "../nodeid", "../../schema", "../live", "../auth", "../../graph", "../../graph/transport", "../../graph/limits", "../../graph/documents", "../../ent"}
}

// constructors are the functions that take a message, and which argument it is.
func constructors() map[string]int {
	return map[string]int{
		"problem.New": 2, "problem.Invalidf": 1, "problem.NotFoundf": 1, "problem.Conflictf": 1,
		"problem.Forbiddenf": 0, "problem.Limit": 3,
		// Of relay's findings and the schema's.
		".invalid": 1, ".Add": 2, ".check": 2, ".before": 3,
	}
}

// unshown are error texts that no client reads, though they stand where others
// do, and why.
func unshown() map[string]string {
	return map[string]string{
		"cannot read %T as %s":                             "a column of the database holds something else",
		"%s rows are changed one by one and never removed": "a fault of the program",
		"%s rows are renamed one by one":                   "a fault of the program",
		"the rows of a %T cannot be narrowed":              "a fault of the program",
		"a changed row is a %T":                            "a fault of the program",
		"%v is a %T":                                       "a fault of the program",
		"events are written by the store alone":            "a fault of the program",
		"panic: %v\n%s":                                    "a fault of the program",
	}
}

// source collects the messages of a package.
type source struct {
	t     *testing.T
	files *token.FileSet
	// constants and functions of the package, by name.
	constants map[string]string
	functions map[string]*ast.FuncDecl
	// errors are the functions whose plain errors are messages too, as those of
	// validators and scalars are: all, or those of a name.
	errors string
	found  map[string]string
	passed map[string]bool
}

const all = "*"

// speakers are the folders with such functions.
func speakers() map[string]string {
	return map[string]string{"schema": all, "scalar": all, "nodeid": all, "graph": all, "live": all, "relay": "UnmarshalGQL"}
}

// messages are the messages of the folders, and where each stands.
func messages(t *testing.T) map[string]string {
	t.Helper()
	found, passed := map[string]string{}, map[string]bool{}
	for _, folder := range folders() {
		paths, err := filepath.Glob(folder + "/*.go")
		if err != nil || len(paths) == 0 {
			t.Fatalf("no source in %s: %v", folder, err)
		}
		base := filepath.Base(folder)
		s := source{
			t: t, files: token.NewFileSet(), constants: map[string]string{}, functions: map[string]*ast.FuncDecl{},
			errors: speakers()[base], found: found, passed: passed,
		}
		var parsed []*ast.File
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(path, "_test.go") || base == "ent" && !bytes.Contains(text, []byte("problem.")) {
				continue
			}
			file, err := parser.ParseFile(s.files, path, text, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, file)
			s.declare(file)
		}
		for _, file := range parsed {
			for _, declaration := range file.Decls {
				if function, ok := declaration.(*ast.FuncDecl); ok && function.Body != nil {
					s.read(function)
				}
			}
		}
	}
	for text := range unshown() {
		if !passed[text] {
			t.Errorf("%q is no error any more", text)
		}
	}
	return found
}

func (s *source) declare(file *ast.File) {
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				s.functions[d.Name.Name] = d
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.CONST {
					for i, value := range v.Values {
						if text, ok := literal(value); ok {
							s.constants[v.Names[i].Name] = text
						}
					}
				}
			}
		}
	}
}

func (s *source) read(function *ast.FuncDecl) {
	ast.Inspect(function.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			name, selected := called(n)
			i, ok := constructors()[name]
			if !ok {
				i, ok = constructors()[selected]
			}
			switch {
			case ok && i < len(n.Args):
				s.message(function, n.Args[i])
			case name == "fmt.Errorf" || name == "errors.New":
				s.plain(function, n)
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Message" {
				s.message(function, n.Value)
			}
		}
		return true
	})
}

// plain reads an error that is no problem yet. One that wraps another tells what
// the program was doing, and is never shown.
func (s *source) plain(function *ast.FuncDecl, call *ast.CallExpr) {
	if s.errors != all && s.errors != function.Name.Name {
		return
	}
	if text, ok := literal(call.Args[0]); ok {
		if unshown()[text] != "" {
			s.passed[text] = true
			return
		}
		if strings.Contains(text, "%w") {
			return
		}
	}
	s.message(function, call.Args[0])
}

// message notes every text that an expression can have.
func (s *source) message(function *ast.FuncDecl, e ast.Expr) {
	where := s.files.Position(e.Pos()).String()
	if text, ok := literal(e); ok {
		if text != "%s" && text != "" { // passed on as it is, or nothing to tell
			s.found[text] = where
		}
		return
	}
	switch e := e.(type) {
	case *ast.Ident:
		if text, ok := s.constants[e.Name]; ok {
			s.found[text] = where
			return
		}
		for _, parameter := range function.Type.Params.List {
			for _, name := range parameter.Names {
				if name.Name == e.Name {
					return // its callers are read
				}
			}
		}
	case *ast.SelectorExpr:
		if e.Sel.Name == "Message" {
			return // of a message that is read where it is made
		}
	case *ast.CallExpr:
		name, selected := called(e)
		switch {
		case name == "fmt.Sprintf":
			s.message(function, e.Args[0])
			return
		case selected == ".Error":
			return // of an error that is read where it is made
		case strings.HasSuffix(name, ".Replace"):
			return // the document's own error, in the library's words
		case s.functions[name] != nil:
			inner := s.functions[name]
			ast.Inspect(inner.Body, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok {
					s.message(inner, r.Results[0])
				}
				return true
			})
			return
		}
	}
	s.t.Errorf("%s: the text of this message cannot be told; write it as a literal", where)
}

// called is the name of a called function, such as "fmt.Errorf", and of a method
// whatever it is called on, such as ".check".
func called(call *ast.CallExpr) (name, selected string) {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name, ""
	case *ast.SelectorExpr:
		selected = "." + f.Sel.Name
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + selected, selected
		}
	}
	return "", selected
}

func literal(e ast.Expr) (string, bool) {
	basic, ok := e.(*ast.BasicLit)
	if !ok || basic.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(basic.Value)
	return text, err == nil
}

// holders are the names of what keeps a row from being removed.
func holders(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../care/delete.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		list, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		if array, ok := list.Type.(*ast.ArrayType); ok {
			if of, ok := array.Elt.(*ast.Ident); ok && of.Name == "holder" {
				for _, element := range list.Elts {
					name, ok := literal(element.(*ast.CompositeLit).Elts[0])
					if !ok {
						t.Fatal("a holder has no literal name")
					}
					names = append(names, name)
				}
			}
		}
		return true
	})
	if len(names) < 6 {
		t.Fatalf("found the holders %v only", names)
	}
	return names
}
