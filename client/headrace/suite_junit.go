package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
)

// The form of results that build servers read.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     string      `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitProblem `xml:"failure,omitempty"`
	Error   *junitProblem `xml:"error,omitempty"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes results as JUnit XML.
func writeJUnit(file string, results []suiteResult) error {
	out := junitSuites{}
	total := 0.0
	for _, s := range results {
		suite := junitSuite{Name: s.File, Time: fmt.Sprintf("%.3f", s.took.Seconds())}
		total += s.took.Seconds()
		for _, one := range s.Cases {
			c := junitCase{Name: one.Name, Class: s.File, Time: fmt.Sprintf("%.3f", one.Seconds)}
			suite.Tests++
			switch {
			case one.Error != "":
				suite.Errors++
				first, _, _ := strings.Cut(one.Error, "\n")
				c.Error = &junitProblem{Message: first, Text: one.Error}
			case !one.Passed:
				suite.Failures++
				c.Failure = junitFailure(one.Mismatches)
			}
			suite.Cases = append(suite.Cases, c)
		}
		out.Tests, out.Failures, out.Errors = out.Tests+suite.Tests, out.Failures+suite.Failures, out.Errors+suite.Errors
		out.Suites = append(out.Suites, suite)
	}
	out.Time = fmt.Sprintf("%.3f", total)
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, append([]byte(xml.Header), append(text, '\n')...), 0o644); err != nil {
		return usage("--junit: %v", err)
	}
	return nil
}

func junitFailure(found []mismatch) *junitProblem {
	var b strings.Builder
	for _, m := range found {
		fmt.Fprintf(&b, "%s\n", m.Where)
		if m.Want != "" {
			fmt.Fprintf(&b, "  - %s\n", m.Want)
		}
		if m.Got != "" {
			fmt.Fprintf(&b, "  + %s\n", m.Got)
		}
	}
	return &junitProblem{Message: fmt.Sprintf("%s is not as expected", found[0].Where), Text: b.String()}
}
