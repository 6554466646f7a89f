package fault_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/fault"
)

// TestPoints compares the list of points with the code: every point that is listed stands somewhere, once, and no other does.
func TestPoints(t *testing.T) {
	t.Parallel()
	found := map[string]int{}
	for name, tree := range sources(t) {
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !isPoint(call.Fun) {
				return true
			}
			literal, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: a point is named by a literal, so that it can be found", name)
				return true
			}
			point, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[point]++
			return true
		})
	}
	for point, times := range found {
		if fault.Points[point] == "" {
			t.Errorf("point %q is in the code and not in fault.Points: say there what has happened when it is reached", point)
		}
		if times > 1 {
			t.Errorf("point %q stands in %d places: a name is one place", point, times)
		}
	}
	for point := range fault.Points {
		if found[point] == 0 {
			t.Errorf("point %q is listed and nowhere in the code", point)
		}
	}
}

func isPoint(fun ast.Expr) bool {
	selector, ok := fun.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != "Point" {
		return false
	}
	pkg, ok := selector.X.(*ast.Ident)
	return ok && pkg.Name == "fault"
}

// sources reads what the server is made of, without tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	files, root := map[string]*ast.File{}, os.DirFS("../..")
	for _, top := range []string{"internal", "server"} {
		err := fs.WalkDir(root, top, func(name string, _ fs.DirEntry, err error) error {
			if err != nil || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := fs.ReadFile(root, name)
			if err != nil {
				return err
			}
			files[name], err = parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}
