package main

import (
	"errors"
	"strings"

	"github.com/alecthomas/kong"
)

// printHelp prints help as kong does, without the other names of commands; the groups of commands are those of the first page only. The
// program ends after it: what it takes out of the model is not missed.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	simplify(ctx.Model.Node, ctx.Selected() != nil)
	return kong.DefaultHelpPrinter(options, ctx)
}

func simplify(node *kong.Node, ungroup bool) {
	for _, child := range node.Children {
		child.Aliases = nil
		if ungroup {
			child.Group = nil
		}
		simplify(child, ungroup)
	}
}

// wrongCall says what is wrong with a command line, and what could have been meant: who types deploy means instance deploy.
func wrongCall(root *kong.Node, err error) string {
	word, unexpected := strings.CutPrefix(err.Error(), "unexpected argument ")
	word, _, _ = strings.Cut(word, ",") // kong goes on with what is spelled like it
	var meant []string
	for _, noun := range root.Children {
		for _, verb := range noun.Children {
			if unexpected && verb.Type == kong.CommandNode && verb.Name == word && !noun.Hidden {
				meant = append(meant, "headrace "+noun.Name+" "+verb.Name)
			}
		}
	}
	if len(meant) == 0 {
		return err.Error() + "; see " + commandOf(err) + " --help"
	}
	return "unexpected argument " + word + ": did you mean " + strings.Join(meant, ", or ") + "?"
}

// commandOf is the command that a wrong call got as far as.
func commandOf(err error) string {
	var wrong *kong.ParseError
	name := ""
	if errors.As(err, &wrong) {
		for node := wrong.Context.Selected(); node != nil && node.Parent != nil; node = node.Parent {
			name = " " + node.Name + name
		}
	}
	return "headrace" + name
}
