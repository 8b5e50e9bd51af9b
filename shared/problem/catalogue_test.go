package problem

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

func TestEveryEntryIsComplete(t *testing.T) {
	wellFormed := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	defined := map[Code]bool{}
	for _, topic := range Catalogue() {
		t.Run(topic.En, func(t *testing.T) {
			translated(t, "topic", topic.En, topic.Zh)
			if len(topic.Entries) == 0 {
				t.Error("no entries")
			}
			for _, e := range topic.Entries {
				code := e.Type.Code()
				translated(t, string(code)+": sentence", e.En, e.Zh)
				if strings.ContainsAny(e.En+e.Zh, "|\n") {
					t.Errorf("%s: a sentence does not fit into a cell of a table", code)
				}
				if e.Type.of == nil {
					if defined[code] || !wellFormed.MatchString(string(code)) {
						t.Errorf("%q is defined twice, or is not in snake_case", code)
					}
					defined[code] = true
				}
				complete(t, e.Type)
			}
		})
	}
	if len(defined) < 70 {
		t.Errorf("only %d codes were found", len(defined))
	}
}

// complete checks what an answer of the type says.
func complete(t *testing.T, typ *Type) {
	t.Helper()
	code := typ.Code()
	if typ.Status() < 400 || typ.Status() > 599 || typ.Title() == "" {
		t.Errorf("%s: status %d, title %q", code, typ.Status(), typ.Title())
	}
	if hint := typ.Hint(); hint != (Hint{}) {
		translated(t, string(code)+": hint", hint.En, hint.Zh)
		if strings.Count(hint.En, "{}") != strings.Count(hint.Zh, "{}") {
			t.Errorf("%s: {} is in one language only", code)
		}
	}
	if of := typ.of; of != nil && (of.of != nil || typ.code != "" || typ.title != "" || typ.hint == of.hint) {
		t.Errorf("%s: a second Type has a hint of its own, and code and title of the first", code)
	}
}

// translated wants both languages.
func translated(t *testing.T, what, en, zh string) {
	t.Helper()
	if en == "" || !strings.ContainsFunc(zh, isHan) {
		t.Errorf("%s: English %q, Chinese %q", what, en, zh)
	}
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// A Type that is not in the catalogue is not in the documents, and one that nobody uses
// is documented for nothing.
func TestEveryTypeIsListedOnceAndUsed(t *testing.T) {
	declared, listed := declarations(t)
	used := map[string]bool{}
	for _, folder := range []string{"shared", "functions", "cmd", "dev"} {
		collectUses(t, filepath.Join("..", "..", folder), used)
	}
	for _, name := range declared {
		if n := count(listed, name); n != 1 {
			t.Errorf("%s is %d times in the catalogue", name, n)
		}
		if !used[name] {
			t.Errorf("no answer uses %s", name)
		}
	}
	if len(declared) < 70 || len(listed) != len(declared) {
		t.Errorf("%d Types are declared, %d listed", len(declared), len(listed))
	}
}

func count(names []string, name string) (n int) {
	for _, one := range names {
		if one == name {
			n++
		}
	}
	return n
}

// declarations returns the names of the variables that hold a Type, and the names that
// the functions of entries mention.
func declarations(t *testing.T) (declared, listed []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var mentioned []string
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		ast.Inspect(parse(t, path), func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if isTypeLiteral(value) {
						declared = append(declared, n.Names[i].Name)
					}
				}
			case *ast.FuncDecl:
				if strings.HasSuffix(n.Name.Name, "Entries") {
					mentioned = append(mentioned, identifiers(n.Body)...)
				}
			}
			return true
		})
	}
	for _, name := range mentioned {
		if slices.Contains(declared, name) {
			listed = append(listed, name)
		}
	}
	return declared, listed
}

// isTypeLiteral reports whether an expression is Type{...}.
func isTypeLiteral(e ast.Expr) bool {
	literal, ok := e.(*ast.CompositeLit)
	if !ok {
		return false
	}
	name, ok := literal.Type.(*ast.Ident)
	return ok && name.Name == "Type"
}

func identifiers(n ast.Node) (names []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok {
			names = append(names, name.Name)
		}
		return true
	})
	return names
}

// collectUses finds what the packages under root, tests and the generator of the
// documents left out, take from this package.
func collectUses(t *testing.T, root string, used map[string]bool) {
	t.Helper()
	generator := filepath.Join("..", "..", "dev", "generate")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == generator:
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file := parse(t, path)
		if !slices.ContainsFunc(file.Imports, isThisPackage) {
			return nil
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := selector.X.(*ast.Ident); ok && x.Name == "problem" {
					used[selector.Sel.Name] = true
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func isThisPackage(i *ast.ImportSpec) bool {
	path, err := strconv.Unquote(i.Path.Value)
	return err == nil && path == "wechatfn/shared/problem"
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
