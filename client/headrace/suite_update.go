package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v4"
)

// update writes what tests came to into their file, in the place of what they expect, and holds them against that. It touches no test
// that could not be run or did not end as expected, and no word with which a person said what matters: Includes, headers, logs, run,
// standIn. What an anchor shares is left, too. Nothing is added that the file does not speak of.
func (s *suite) update(a *app, results []caseResult) error {
	var splices []splice
	for i := range results {
		one := &results[i]
		m := one.matcher()
		if one.Passed || m == nil || s.cases[i].node == nil {
			continue
		}
		if m.state(&s.cases[i].expect, one.res.GetExecution()); len(m.found) > 0 {
			continue
		}
		r := &rewriter{m: m, source: newYAMLText(s.text)}
		r.changes(s.cases[i].node, r.expectation(&s.cases[i], one.res), flowAbove(s.root, s.cases[i].node))
		splices = append(splices, r.splices...)
	}
	if len(splices) == 0 {
		return nil
	}
	text, err := s.spliced(splices)
	if err != nil {
		return usage("%s is not updated: %v", s.file, err)
	}
	now, err := parseSuite(a, s.file, text)
	if err != nil {
		return fmt.Errorf("%s is not updated: %w", s.file, err)
	}
	if err := replaceFile(s.file, s.text, text); err != nil {
		return usage("%s is not updated: %v", s.file, err)
	}
	for i := range results {
		at := slices.IndexFunc(now.cases, func(c testCase) bool { return c.name == results[i].Name })
		if m := results[i].matcher(); m != nil && !results[i].Passed && at >= 0 {
			results[i].again(m, &now.cases[at].expect)
		}
	}
	return nil
}

// matcher returns what holds the test against something else, or nil if it came to nothing.
func (one *caseResult) matcher() *matcher {
	if one.res == nil || one.Error != "" {
		return nil
	}
	m := newMatcher(one.flows)
	m.ran = stepsOf(one.res.GetExecution())
	return m
}

// again holds a test against what its file says now.
func (one *caseResult) again(m *matcher, expect *expectation) {
	m.outcome(expect, one.res)
	if len(m.found) == 0 {
		one.Passed, one.Updated = true, true // the mismatches tell what was written
		return
	}
	one.Mismatches = m.found
}

// spliced returns the file's text with new nodes, if it says what it should: the same as before, but for them.
func (s *suite) spliced(splices []splice) ([]byte, error) {
	text, err := spliced(s.text, splices)
	if err != nil {
		return nil, err
	}
	for _, one := range splices {
		*one.old = *deepCopy(one.with)
	}
	want, err := yamlToJSON(s.root)
	if err != nil {
		return nil, err
	}
	root, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	got, err := yamlToJSON(root)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(want, got) {
		return nil, errors.New("it is written in a way that is not understood well enough: take over by hand what --show prints")
	}
	return text, nil
}

// replaceFile writes a file whole or not at all, and only over the text that it is made from.
func replaceFile(name string, from, text []byte) (err error) {
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o222 == 0 { // a new file in its place would not ask
		return errors.New("it is read-only")
	}
	now, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, from) {
		return errors.New("it was changed while its tests ran: run them again")
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".headrace-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one to tell
		}
	}()
	if _, err = f.Write(text); err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// flowAbove reports whether a node stands in braces or brackets.
func flowAbove(root, node *yaml.Node) bool {
	var above func(n *yaml.Node, flow bool) (found, in bool)
	above = func(n *yaml.Node, flow bool) (bool, bool) {
		if n == node {
			return true, flow
		}
		for _, item := range n.Content {
			if found, in := above(item, flow || n.Style&yaml.FlowStyle != 0); found {
				return true, in
			}
		}
		return false, false
	}
	_, in := above(root, false)
	return in
}
