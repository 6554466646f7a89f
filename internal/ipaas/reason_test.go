package ipaas_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReasons_all_have_a_row_in_the_docs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllSubmatch(page, -1) {
		documented = append(documented, string(row[1]))
	}
	// The API has some of its own, for what never reaches the house.
	declared := slices.Concat(reasonsIn(t, "reason.go"), reasonsIn(t, "execution.go"), reasonsIn(t, "../../server/api/errors.go"))
	slices.Sort(documented)
	slices.Sort(declared)
	if diff := cmp.Diff(declared, documented); diff != "" {
		t.Errorf("reasons declared (-) and documented (+):\n%s", diff)
	}
}

// reasonsIn returns the constants of type Reason or ExecutionReason that a file declares.
func reasonsIn(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !isReason(spec.Type) {
			return true
		}
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, text)
		}
		return true
	})
	if len(reasons) == 0 {
		t.Fatalf("%s declares no reason", path)
	}
	return reasons
}

func isReason(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "Reason" || e.Name == "ExecutionReason"
	case *ast.SelectorExpr:
		return e.Sel.Name == "Reason"
	default:
		return false
	}
}
