package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// The bounds of a schema and of a validation. A schema of a few lines can ask for more work than any machine does.
const (
	maxSchemaBytes      = 256 << 10
	maxSchemaObjects    = 5000
	minValidationVisits = 50_000    // of a value by a schema, for data however small; no data needs more for
	maxValidationVisits = 2_000_000 // any of its values than
	maxVisitsPerValue   = 1000
	maxValidationTime   = 10 * time.Second
	maxViolations       = 100 // that are told
	maxSchemaExponent   = 400 // of a number: it is worked out to its last digit
)

func validateJSONSchema() component.Action {
	return component.Action{
		Action: ipaas.Action{
			Key: "validateJsonSchema", DisplayName: "Validate JSON Schema", Effect: ipaas.EffectPure,
			Description: "Checks a value against a JSON schema. If it is not as the schema wants it, the step fails, and its error tells every violation, up to 100, by its place.",
			Output:      "The value that was checked.",
			Inputs: []ipaas.InputField{
				{
					Key: "jsonInput", DisplayName: "JSON Object", Type: ipaas.FieldData, Required: true, Example: `{"someProperty": "value"}`,
					Description: "The value to check, or JSON text of one.",
				},
				{
					Key: "jsonSchema", DisplayName: "JSON Schema", Type: ipaas.FieldData, Required: true, Example: `{"type": "object", "required": ["someProperty"]}`,
					Description: "The schema, or JSON text of one, up to 256 KiB: of draft 4, 6, 7, 2019-09 or 2020-12, as its $schema says, by default the last. A $ref may only lead to a place in it: " +
						"nothing is fetched. A `format` is checked in drafts 4 to 7. Patterns are regular expressions without looking ahead or behind and without references back.",
				},
			},
		},
		Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
			v, err := validateJSON(ctx, call.Inputs.Value("jsonInput"), call.Inputs.Value("jsonSchema"))
			return component.Result{Data: v}, err
		},
	}
}

// schemaPlace is the name under which a schema is known to the library. It is never fetched.
const schemaPlace = "schema:///"

func validateJSON(ctx context.Context, given, schema any) (any, error) {
	v, err := jsonOf(given)
	if err != nil {
		return nil, fmt.Errorf("input %q %w", "jsonInput", err)
	}
	document, err := jsonOf(schema)
	if err != nil {
		return nil, fmt.Errorf("input %q %w", "jsonSchema", err)
	}
	ctx, cancel := context.WithTimeout(ctx, maxValidationTime)
	defer cancel()
	w := &watch{ctx: ctx, most: minValidationVisits}
	compiled, err := compileSchema(document, w)
	if err != nil {
		return nil, fmt.Errorf("input %q %w", "jsonSchema", err)
	}
	var size contents
	instance, err := plainJSON(v, &size)
	if err != nil {
		return nil, fmt.Errorf("input %q %w", "jsonInput", err)
	}
	w.visits, w.most = 0, min(max(w.most, maxVisitsPerValue*size.values), maxValidationVisits)
	if err := w.run(func() error { return compiled.Validate(instance) }); err != nil {
		return nil, err
	}
	return v, nil
}

// jsonOf returns a value, or what a text that is JSON says.
func jsonOf(v any) (any, error) {
	var text []byte
	switch v := v.(type) {
	case string:
		text = []byte(v)
	case value.Bytes:
		text = v.Data
	default:
		return v, nil
	}
	parsed, err := value.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("is a text that is not JSON: %w", err)
	}
	return parsed, nil
}

func compileSchema(document any, w *watch) (*jsonschema.Schema, error) {
	if len(value.JSON(document)) > maxSchemaBytes {
		return nil, fmt.Errorf("is larger than %d KiB: give a smaller schema", maxSchemaBytes>>10)
	}
	var size contents
	plain, err := plainJSON(document, &size)
	if err != nil {
		return nil, err
	}
	if size.objects > maxSchemaObjects {
		return nil, fmt.Errorf("has %d objects in it: give a schema of %d at most", size.objects, maxSchemaObjects)
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(nothingFetched{})
	c.UseRegexpEngine(w.compile)
	c.RegisterVocabulary(&jsonschema.Vocabulary{URL: schemaPlace + "watch", Compile: func(*jsonschema.CompilerContext, map[string]any) (jsonschema.SchemaExt, error) {
		return w, nil
	}})
	c.AssertVocabs()
	var schema *jsonschema.Schema
	err = w.run(func() error {
		if err := c.AddResource(schemaPlace, plain); err != nil {
			return err
		}
		var err error
		schema, err = c.Compile(schemaPlace)
		return err
	})
	switch wrong := (*jsonschema.SchemaValidationError)(nil); {
	case err == nil:
		return schema, nil
	case errors.As(err, &wrong):
		return nil, fmt.Errorf("is no JSON schema: %w", violations(wrong.Err))
	default:
		return nil, fmt.Errorf("is no JSON schema that can be used here: %s", strings.ReplaceAll(err.Error(), schemaPlace, ""))
	}
}

// nothingFetched keeps schemas from reading files and calling other systems.
type nothingFetched struct{}

func (nothingFetched) Load(url string) (any, error) {
	return nil, fmt.Errorf("$ref to %q is not followed: put what it leads to into the schema, under $defs", value.Shorten(url))
}

// watchedRegex is a pattern of a schema.
type watchedRegex struct {
	expression
	watch *watch
}

// MatchString is asked by the library.
func (r watchedRegex) MatchString(text string) bool {
	if r.watch.ctx.Err() != nil || r.fits(text) != nil {
		panic(endless{})
	}
	return r.expression.MatchString(text)
}

func (w *watch) compile(pattern string) (jsonschema.Regexp, error) {
	re, err := compileRegex(pattern)
	if err != nil {
		return nil, fmt.Errorf("a pattern %w", err)
	}
	return watchedRegex{expression: re, watch: w}, nil
}

// contents is what is in a document.
type contents struct{ values, objects int }

// plainJSON turns a value into what the library knows, and counts what is in it. Numbers it would work out to millions of digits
// are refused.
func plainJSON(v any, size *contents) (any, error) {
	size.values++
	switch v := v.(type) {
	case value.Number:
		if _, exponent, ok := strings.Cut(strings.ToLower(string(v)), "e"); ok {
			if n, fits := value.Number(strings.TrimLeft(exponent, "+-0")).Int64(); exponent != "" && strings.Trim(exponent, "+-0") != "" && (!fits || n > maxSchemaExponent) {
				return nil, fmt.Errorf("holds a number with an exponent beyond %d: write it out", maxSchemaExponent)
			}
		}
		if len(v) > maxWritten {
			return nil, fmt.Errorf("holds a number of more than %d digits: shorten it", maxWritten)
		}
		return json.Number(v), nil
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = plainJSON(v[i], size); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *value.Object:
		size.objects++
		m := make(map[string]any, v.Len())
		for key, item := range v.All() {
			plain, err := plainJSON(item, size)
			if err != nil {
				return nil, err
			}
			m[key] = plain
		}
		return m, nil
	case value.Bytes:
		return value.Text(v), nil
	default:
		return v, nil
	}
}

// watch ends a validation that goes on for too long. The library knows no context, but asks those who extend it at every schema it
// holds against a value; a panic is the only way out from there.
type watch struct {
	ctx    context.Context //nolint:containedctx // the library passes none on
	visits int
	most   int
}

// Validate is asked by the library.
func (w *watch) Validate(*jsonschema.ValidatorContext, any) {
	if w.visits++; w.visits > w.most || w.visits%100 == 0 && w.ctx.Err() != nil {
		panic(endless{})
	}
}

func (w *watch) run(do func() error) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case endless:
			err = errors.New("the schema asks for more work than is done for one step: make it simpler, or check less at once")
		default:
			panic(p)
		}
	}()
	err = do()
	if wrong := (*jsonschema.ValidationError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("the value is not as the schema wants it: %w", violations(wrong))
	}
	return err
}

// violations lists what is wrong, each with its place.
func violations(err error) error {
	var wrong *jsonschema.ValidationError
	if !errors.As(err, &wrong) {
		return err
	}
	var lines []string
	gather(wrong, &lines)
	slices.Sort(lines) // the library goes through objects in any order
	lines = slices.Compact(lines)
	if more := len(lines) - maxViolations; more > 0 {
		lines = append(lines[:maxViolations], fmt.Sprintf("and %d more", more))
	}
	return errors.New(strings.Join(lines, "; "))
}

// gather walks down to the violations that others are made of.
func gather(e *jsonschema.ValidationError, lines *[]string) {
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			gather(cause, lines)
		}
		return
	}
	place := "/" + strings.Join(e.InstanceLocation, "/")
	*lines = append(*lines, place+": "+violation(e.ErrorKind))
}

var english = message.NewPrinter(language.English)

// violation says what is wrong in words that do not show the value: it may be a secret.
func violation(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Pattern:
		return fmt.Sprintf("does not match the pattern %s", k.Want)
	case *kind.Format:
		return fmt.Sprintf("is no valid %s", k.Want)
	case *kind.PropertyNames:
		return fmt.Sprintf("has a key %q that is not allowed", value.Shorten(k.Property))
	default:
		return k.LocalizedString(english)
	}
}
