package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh" help:"The shell: ${enum}. Use it as: source <(headrace completion bash)"`
}

// Run carries out the command.
func (c *completionCmd) Run(a *app, parser *kong.Kong) error {
	if c.Shell == "zsh" {
		a.line("autoload -U +X bashcompinit && bashcompinit")
	}
	_, err := fmt.Fprintln(a.w, bashCompletion(parser.Model.Node))
	return err
}

// bashCompletion is a function that offers what may follow the commands typed so far, and file names elsewhere.
func bashCompletion(root *kong.Node) string {
	var cases strings.Builder
	offer(&cases, root, "")
	return `_headrace() {
  local cur="${COMP_WORDS[COMP_CWORD]}" path="" known="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in # words that are no command are flags and their values
` + cases.String() + `    esac
  done
  if [ -z "$known" ]; then known="` + words(root) + `"; fi
  COMPREPLY=($(compgen -W "$known" -- "$cur"))
}
complete -o default -F _headrace headrace`
}

// offer writes a case for every command below a node, by every name it goes by.
func offer(b *strings.Builder, node *kong.Node, path string) {
	for _, child := range node.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		for _, name := range append([]string{child.Name}, child.Aliases...) {
			at := path + " " + name
			b.WriteString(`      "` + at + `") path="` + at + `" known="` + words(child) + "\" ;;\n")
			offer(b, child, at)
		}
	}
}

// words are the commands and flags that may follow a node.
func words(node *kong.Node) string {
	var out []string
	for _, child := range node.Children {
		if !child.Hidden && child.Type == kong.CommandNode {
			out = append(out, child.Name)
		}
	}
	for _, flags := range node.AllFlags(true) {
		for _, flag := range flags {
			out = append(out, "--"+flag.Name)
		}
	}
	return strings.Join(out, " ")
}
