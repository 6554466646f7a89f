package component

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// State reads what flows keep. It sees what steps of this execution have changed before, and what others have. Reading a value and
// setting another one that was made of it is two steps: who wants it to be one uses an operation of StateChange.
type State interface {
	// Get returns the value of a key, and whether there is one.
	Get(ctx context.Context, scope ipaas.StateScope, key string) (any, bool, error)
	// Keys returns every key of a scope, sorted, and reads no value for it.
	Keys(ctx context.Context, scope ipaas.StateScope) ([]string, error)
	// All returns every key of a scope with its value, sorted by key.
	All(ctx context.Context, scope ipaas.StateScope) (*value.Object, error)
}

// StateChange is one operation on what flows keep.
type StateChange struct {
	Scope     ipaas.StateScope
	Operation ipaas.StateOperation
	Key       string
	Value     any  // of SET and INCREMENT; a list for APPEND, TAKE_OUT and ADD_TO_SET
	AsResult  bool // the step's result is the value that the key has then; at most one change of a step has it set
}

// MaxStateChanges is the most changes of one step.
const MaxStateChanges = 1000

// Check says what is wrong with a change in itself, whatever there is. No error quotes a value: it may be a secret.
func (c StateChange) Check() error {
	switch c.Scope {
	case ipaas.StateExecution, ipaas.StateFlow, ipaas.StateInstance, ipaas.StateIntegration:
	default:
		return fmt.Errorf("there is no scope %q of state: give EXECUTION, FLOW, INSTANCE or INTEGRATION", c.Scope)
	}
	if c.Operation == ipaas.StateClear {
		if c.Key != "" || c.AsResult {
			return errors.New("clearing a scope is about all its keys: give no key, and ask for no result")
		}
		return nil
	}
	if err := CheckStateKey(c.Key); err != nil {
		return err
	}
	switch c.Operation {
	case ipaas.StateSet, ipaas.StateRemove:
	case ipaas.StateIncrement:
		if _, ok := value.NumberOf(c.Value); !ok {
			return fmt.Errorf("key %q cannot be counted up by %s: give a number", c.Key, value.Kind(c.Value))
		}
	case ipaas.StateAppend, ipaas.StateTakeOut, ipaas.StateAddToSet:
		if _, ok := c.Value.([]any); !ok {
			return fmt.Errorf("the items for the list of key %q are %s: give a list", c.Key, value.Kind(c.Value))
		}
	default:
		return fmt.Errorf("there is no operation %q on state", c.Operation)
	}
	return nil
}

// CheckStateKey says what is wrong with the key of a state.
func CheckStateKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty: give one")
	case len(key) > ipaas.MaxStateKey:
		return fmt.Errorf("the key has %d bytes, and may have %d: give a shorter one", len(key), ipaas.MaxStateKey)
	case !utf8.ValidString(key) || strings.ContainsRune(key, 0):
		return errors.New("the key is no proper text: give one of valid UTF-8 without zero bytes")
	}
	return nil
}

// Apply carries the change out on the value there is, if there is one, and returns the next one. It changes neither. A text that reads
// as a number counts as one where a number is needed, and a text that reads as a list as a list: definitions give both as texts. CLEAR
// is nothing it can carry out: it is about more than one key. No error quotes a value: it may be a secret.
func (c StateChange) Apply(current any, there bool) (next any, keep bool, err error) {
	switch c.Operation {
	case ipaas.StateSet:
		return c.Value, true, nil
	case ipaas.StateRemove:
		return nil, false, nil
	case ipaas.StateIncrement:
		return c.increment(current, there)
	case ipaas.StateAppend, ipaas.StateTakeOut, ipaas.StateAddToSet:
		return c.changeList(current, there)
	default:
		return nil, false, fmt.Errorf("%s cannot be done to one key", c.Operation)
	}
}

// Keeps tells whether the key has a value after the change that Apply carries out, given whether it had one.
func (c StateChange) Keeps(there bool) bool {
	switch c.Operation {
	case ipaas.StateRemove, ipaas.StateClear:
		return false
	case ipaas.StateTakeOut:
		return there
	default:
		return true
	}
}

func (c StateChange) increment(current any, there bool) (any, bool, error) {
	by, ok := value.NumberOf(c.Value)
	if !ok {
		return nil, false, c.Check()
	}
	number := value.Number("0")
	if there && current != nil {
		if number, ok = value.NumberOf(current); !ok {
			return nil, false, fmt.Errorf("key %q holds %s, which cannot be counted up: remove it, or set it to a number", c.Key, value.Kind(current))
		}
	}
	sum, ok := add(number, by)
	if !ok {
		return nil, false, fmt.Errorf("key %q cannot be counted up: a number of more than %d digits is not kept", c.Key, maxDigits)
	}
	return sum, true, nil
}

func (c StateChange) changeList(current any, there bool) (any, bool, error) {
	items, ok := c.Value.([]any)
	if !ok {
		return nil, false, c.Check()
	}
	var list []any
	if there && current != nil {
		if list, ok = listOf(current); !ok {
			return nil, false, fmt.Errorf("key %q holds %s and no list: remove it, or set it to a list", c.Key, value.Kind(current))
		}
	}
	switch c.Operation {
	case ipaas.StateAppend:
		return slices.Concat([]any{}, list, items), true, nil
	case ipaas.StateAddToSet:
		known, next := newMembers(list), slices.Concat([]any{}, list)
		for _, item := range items {
			if known.add(item) {
				next = append(next, item)
			}
		}
		return next, true, nil
	default:
		out, next := newMembers(items), []any{}
		for _, item := range list {
			if !out.has(item) {
				next = append(next, item)
			}
		}
		return next, there, nil
	}
}

// members is a set of values. Whole numbers are one however they are written, as 1 and 1.0.
type members map[string]bool

func memberKey(v any) string {
	if n, ok := v.(value.Number); ok {
		if i, ok := n.Int64(); ok {
			v = value.FromInt(i)
		}
	}
	return string(value.Canonical(v))
}

func newMembers(items []any) members {
	m := make(members, len(items))
	for _, item := range items {
		m.add(item)
	}
	return m
}

func (m members) has(v any) bool { return m[memberKey(v)] }

// add reports whether the value is new.
func (m members) add(v any) bool {
	key := memberKey(v)
	if m[key] {
		return false
	}
	m[key] = true
	return true
}

func listOf(v any) ([]any, bool) {
	text, ok := v.(string)
	if !ok {
		list, ok := v.([]any)
		return list, ok
	}
	if strings.TrimSpace(text) == "" {
		return []any{}, true
	}
	parsed, err := value.Parse([]byte(text))
	list, ok := parsed.([]any)
	return list, ok && err == nil
}

// maxDigits bounds what is added digit for digit: a short text such as 1e999999 can stand for many.
const maxDigits = 400

// add adds two numbers exactly.
func add(a, b value.Number) (value.Number, bool) {
	if x, ok := a.Int64(); ok {
		if y, ok := b.Int64(); ok && (x+y > x) == (y > 0) {
			return value.FromInt(x + y), true
		}
	}
	x, places, ok := scaled(a)
	y, morePlaces, ok2 := scaled(b)
	if !ok || !ok2 {
		return "", false
	}
	places = max(places, morePlaces)
	text := x.Add(x, y).FloatString(places)
	if places > 0 {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		text = "0"
	}
	return value.Number(text), len(text) <= maxDigits
}

// scaled returns a number with how many places it has behind the point, unless it is too long.
func scaled(n value.Number) (*big.Rat, int, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(string(n)), "e")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil || shift > maxDigits || shift < -maxDigits {
			return nil, 0, false
		}
	}
	if len(mantissa) > maxDigits {
		return nil, 0, false
	}
	_, fraction, _ := strings.Cut(mantissa, ".")
	r, ok := new(big.Rat).SetString(string(n))
	return r, max(len(fraction)-shift, 0), ok
}
