// Command catalogue writes two pages out of what the built-in components declare:
//
//	go run ./internal/tools/catalogue
//
// docs/components.md tells what each component does, its inputs and its results; docs/actions.md where each action comes from and
// which test runs it. The tests are those that internal/component/builtin itself has written down while they ran.
//
// It must not know what any component does.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/component/builtin"
)

// Where things stand, from the root of the module.
const (
	componentsPage = "docs/components.md"
	actionsPage    = "docs/actions.md"
	builtinTests   = "internal/component/builtin"
	actionTests    = builtinTests + "/testdata/action_tests.txt"
)

func main() {
	root := flag.String("root", ".", "the root of the module")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "catalogue:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	pages, err := render(root)
	if err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// render returns the pages by their names.
func render(root string) (map[string]string, error) {
	components := component.NewRegistry(builtin.All()...).All()
	tests, err := readTests(root)
	if err != nil {
		return nil, err
	}
	actions, err := renderActions(components, tests)
	if err != nil {
		return nil, err
	}
	return map[string]string{componentsPage: renderComponents(components), actionsPage: actions}, nil
}
