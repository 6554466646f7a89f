// Command coverfloor reads a profile of go test, prints the share of statements that ran, and fails when it is below the floor.
//
// It counts the product only. It must not know how the profile was made: with or without the race detector, whole or in part.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func main() {
	profile := flag.String("profile", "", "file written by go test -coverprofile")
	floor := flag.Float64("floor", 80, "smallest share accepted, in percent")
	skip := flag.String("skip", "", "regular expression: what it finds in a file's name is not counted")
	flag.Parse()
	if err := run(os.Stdout, *profile, *floor, *skip); err != nil {
		fmt.Fprintln(os.Stderr, "coverfloor:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, profile string, floor float64, skip string) error {
	pattern, err := regexp.Compile(skip)
	if err != nil {
		return fmt.Errorf("-skip: %w", err)
	}
	in, err := os.Open(profile)
	if err != nil {
		return err
	}
	defer in.Close()
	blocks, err := read(in)
	if err != nil {
		return fmt.Errorf("%s: %w", profile, err)
	}
	if skip != "" {
		for b := range blocks {
			if pattern.MatchString(b.file) {
				delete(blocks, b)
			}
		}
	}
	return report(out, blocks, floor)
}

// A block is a run of statements as the profile knows it.
type block struct {
	file, span string
	statements int
}

// read tells which blocks ran. A block stands in the profile once for each test binary it is part of; once is enough.
func read(in io.Reader) (map[block]bool, error) {
	blocks := make(map[block]bool)
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if strings.HasPrefix(line, "mode:") {
			continue
		}
		b, ran, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		blocks[b] = blocks[b] || ran
	}
	return blocks, lines.Err()
}

// parse reads one line, such as "example.com/pkg/file.go:12.34,15.2 3 1": three statements that ran once.
func parse(line string) (b block, ran bool, err error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return block{}, false, fmt.Errorf("%q has %d fields, a profile has 3", line, len(fields))
	}
	colon := strings.LastIndexByte(fields[0], ':')
	if colon < 0 {
		return block{}, false, fmt.Errorf("%q names no position", line)
	}
	b = block{file: fields[0][:colon], span: fields[0][colon+1:]}
	if b.statements, err = strconv.Atoi(fields[1]); err != nil {
		return block{}, false, err
	}
	count, err := strconv.ParseUint(fields[2], 10, 64)
	return b, count > 0, err
}

// A share is how many statements there are and how many of them ran.
type share struct{ ran, all int }

func (s *share) add(statements int, ran bool) {
	s.all += statements
	if ran {
		s.ran += statements
	}
}

func (s *share) percent() float64 { return 100 * float64(s.ran) / float64(s.all) }

func report(out io.Writer, blocks map[block]bool, floor float64) error {
	var total share
	packages := make(map[string]*share)
	for b, ran := range blocks {
		pkg := path.Dir(b.file)
		if packages[pkg] == nil {
			packages[pkg] = &share{}
		}
		packages[pkg].add(b.statements, ran)
		total.add(b.statements, ran)
	}
	if total.all == 0 {
		return fmt.Errorf("the profile holds no statement that counts")
	}
	names := make([]string, 0, len(packages))
	for name := range packages {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if _, err := fmt.Fprintf(out, "%6.1f %%  %s\n", packages[name].percent(), name); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(out, "%6.1f %%  of %d statements, floor %.1f %%\n", total.percent(), total.all, floor); err != nil {
		return err
	}
	if total.percent() < floor {
		return fmt.Errorf("coverage %.1f %% is below the floor of %.1f %%: test what the packages above show as lowest", total.percent(), floor)
	}
	return nil
}
