//go:build faults

package faults_test

import (
	"debug/elf"
	"os"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/fault"
)

// TestShippedBinaryHasNoFaults looks into the program as it ships: neither the code that strikes nor the names of what it can break
// are in it. The program with faults shows that the look finds them.
func TestShippedBinaryHasNoFaults(t *testing.T) {
	t.Parallel()
	if found := faultsIn(t, plainServer); len(found) > 0 {
		t.Errorf("the program as it ships holds %v", found)
	}
	if found := faultsIn(t, faultyServer); len(found) < 6 {
		t.Errorf("in the program with faults only %v were found: the look is blind", found)
	}
}

// faultsIn returns what of the fault package a binary holds.
func faultsIn(t *testing.T, binary string) (found []string) {
	t.Helper()
	text, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		fault.PlanVariable, fault.BrokenVariable, fault.AheadVariable, fault.AckBeforeCommit, fault.SyncNormal, fault.IgnoreFull, fault.NoKeys, fault.FireApart, fault.KeepAtOnce,
	} {
		if strings.Contains(string(text), name) {
			found = append(found, name)
		}
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Logf("symbols are not looked at: %v", err) // another system's format; the texts tell enough
		return found
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		if strings.Contains(s.Name, "internal/fault.") && strings.Contains(s.Name, "strike") || strings.Contains(s.Name, "tampered.") {
			found = append(found, s.Name)
		}
	}
	return found
}
