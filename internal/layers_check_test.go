package internal_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/headrace/headrace"

// A row says what one package may import of this module. The lists are separated by spaces.
type row struct {
	pkg     string
	imports string
	tests   string
}

// A border says which foreign packages may not be imported within a part of the module.
type border struct {
	foreign string // import paths, separated by spaces, each with all below it
	exact   bool   // only the paths themselves: net/http, but not net/http/httptest
	within  string
	except  string
	inTests bool // tests may cross
	because string
}

// A file is what the rules need to know of one Go file.
type file struct {
	path    string // below the module's root
	pkg     string // its folder, below the module's root
	test    bool
	imports []string
	dials   []string // uses of what opens connections, such as "http.Get"
}

// fullName turns a name of the table into a folder below the module's root.
func fullName(name string) string {
	top, _, _ := strings.Cut(name, "/")
	if slices.Contains([]string{"proto", "server", "client", "examples", "internal"}, top) {
		return name
	}
	return "internal/" + name
}

func fullNames(list string) []string {
	names := strings.Fields(list)
	for i, name := range names {
		names[i] = fullName(name)
	}
	return names
}

// within reports whether the path is the tree's root or lies below it.
func within(tree, path string) bool {
	return path == tree || strings.HasPrefix(path, tree+"/")
}

// rowName is the name under which the table knows a package: all generated ones share a row.
func rowName(pkg string) string {
	if within("proto/gen", pkg) {
		return "proto/gen"
	}
	return pkg
}

func seen(files []file, pkg string) bool {
	return slices.ContainsFunc(files, func(f file) bool { return f.pkg == pkg })
}

// checkTable reports rows that stand twice, and rows that list something that is no row above them.
// What tests import may stand anywhere: tests close circles by nature.
func checkTable(rows []row) []string {
	var culprits []string
	all := make(map[string]bool)
	for _, r := range rows {
		all[fullName(r.pkg)] = true
	}
	above := make(map[string]bool)
	for _, r := range rows {
		pkg := fullName(r.pkg)
		if above[pkg] {
			culprits = append(culprits, fmt.Sprintf("%s has two rows", pkg))
		}
		for _, name := range fullNames(r.imports) {
			if !above[name] {
				culprits = append(culprits, fmt.Sprintf("%s lists %s, which has no row above it", pkg, name))
			}
		}
		for _, name := range fullNames(r.tests) {
			if !all[name] {
				culprits = append(culprits, fmt.Sprintf("the tests of %s list %s, which has no row", pkg, name))
			}
		}
		above[pkg] = true
	}
	return culprits
}

// check reports every import and every call that the tables do not allow, each with the file that holds it.
func check(files []file, rows []row, borders []border) []string {
	table := make(map[string]row)
	for _, r := range rows {
		table[fullName(r.pkg)] = r
	}
	var culprits []string
	unknown := make(map[string]bool)
	for _, f := range files {
		r, ok := table[rowName(f.pkg)]
		if !ok && !unknown[f.pkg] {
			unknown[f.pkg] = true
			culprits = append(culprits, fmt.Sprintf("%s is unknown: give it a row in this table (internal/layers_test.go)", f.pkg))
		}
		if ok && rowName(f.pkg) != "proto/gen" {
			culprits = append(culprits, checkOurs(f, r)...)
		}
		culprits = append(culprits, checkForeign(f, borders)...)
		culprits = append(culprits, checkDials(f)...)
	}
	return culprits
}

func checkOurs(f file, r row) []string {
	allowed := fullNames(r.imports)
	if f.test {
		allowed = append(allowed, fullNames(r.tests)...)
		allowed = append(allowed, f.pkg)
	}
	var culprits []string
	for _, imported := range f.imports {
		if !within(module, imported) {
			continue
		}
		pkg := rowName(path.Join(".", strings.TrimPrefix(imported, module))) // "." is the module's root
		if !slices.Contains(allowed, pkg) {
			culprits = append(culprits, fmt.Sprintf("%s may not import %s (%s)", who(f), pkg, f.path))
		}
	}
	return culprits
}

func checkForeign(f file, borders []border) []string {
	var culprits []string
	for _, b := range borders {
		if !b.guards(f) {
			continue
		}
		for _, imported := range f.imports {
			if b.bans(imported) {
				culprits = append(culprits, fmt.Sprintf("%s may not import %s: %s (%s)", who(f), imported, b.because, f.path))
			}
		}
	}
	return culprits
}

func (b border) guards(f file) bool {
	if f.test && b.inTests {
		return false
	}
	exempt := slices.ContainsFunc(fullNames(b.except), func(tree string) bool { return within(tree, f.pkg) })
	return within(b.within, f.pkg) && !exempt
}

func (b border) bans(imported string) bool {
	return slices.ContainsFunc(strings.Fields(b.foreign), func(tree string) bool {
		return imported == tree || !b.exact && within(tree, imported)
	})
}

// checkDials leaves tests alone: they call the servers they have started themselves.
func checkDials(f file) []string {
	guarded := (within("internal", f.pkg) || within("server", f.pkg)) && f.pkg != fullName(wayOut)
	if f.test || !guarded {
		return nil
	}
	var culprits []string
	for _, dial := range f.dials {
		culprits = append(culprits, fmt.Sprintf("%s may not use %s: connections to the world are opened by %s (%s)",
			f.pkg, dial, fullName(wayOut), f.path))
	}
	return culprits
}

// who names the importer as the table sees it.
func who(f file) string {
	if f.test {
		return "a test of " + f.pkg
	}
	return f.pkg
}

// readModule reads every Go file of the module. It leaves out what the go command leaves out of ./... too.
func readModule(root fs.FS) ([]file, error) {
	var files []file
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // gone since its folder was listed
		case err != nil:
			return err
		case entry.IsDir() && name != "." && foreignFolder(root, name):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		f, err := readFile(root, name)
		files = append(files, f)
		return err
	})
	return files, err
}

func foreignFolder(root fs.FS, name string) bool {
	base := path.Base(name)
	if base == "testdata" || base == "vendor" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return true
	}
	_, err := fs.Stat(root, path.Join(name, "go.mod"))
	return err == nil // a module of its own
}

func readFile(root fs.FS, name string) (file, error) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return file{}, err
	}
	tree, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	f := file{path: name, pkg: path.Dir(name), test: strings.HasSuffix(name, "_test.go")}
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, fmt.Errorf("%s: %w", name, err)
		}
		f.imports = append(f.imports, imported)
		if imported == "net" || imported == "net/http" {
			f.dials = append(f.dials, dials(tree, spec, path.Base(imported))...)
		}
	}
	return f, nil
}

// dialers are the parts of net and net/http that open connections past the guard: functions and variables by their name,
// and types where a value of them is made. Their mere mention, as the type of a parameter, is free.
var (
	dialers = []string{
		"http.DefaultClient", "http.DefaultTransport", "http.Get", "http.Head", "http.Post", "http.PostForm",
		"net.Dial", "net.DialTimeout", "net.DialTCP", "net.DialUDP", "net.DialIP", "net.DialUnix",
	}
	dialerTypes = []string{"http.Client", "http.Transport", "net.Dialer"}
)

// dials lists how the file uses the package imported by spec to open connections.
func dials(tree *ast.File, spec *ast.ImportSpec, base string) []string {
	name := base
	if spec.Name != nil {
		name = spec.Name.Name
	}
	if name == "." {
		return []string{base + " by a dot import"}
	}
	var found []string
	report := func(list []string, expr ast.Expr) {
		sel, ok := expr.(*ast.SelectorExpr)
		if !ok {
			return
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == name && slices.Contains(list, base+"."+sel.Sel.Name) {
			found = append(found, base+"."+sel.Sel.Name)
		}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			report(dialers, n)
		case *ast.CompositeLit:
			report(dialerTypes, n.Type)
		case *ast.ValueSpec:
			report(dialerTypes, n.Type)
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "new" {
				report(dialerTypes, n.Args[0])
			}
		}
		return true
	})
	return found
}
