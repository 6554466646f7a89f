package prismatic

import (
	"regexp"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
)

// places tells for paths of a definition, spelled as in the JSON of the API, where in the file the thing stands. What is not listed
// stands below what is, under the words of vocabulary.
type places map[string]string

// vocabulary is what the fields of a definition are called in the file.
var vocabulary = map[string]string{
	"displayName": "name", "description": "description", "category": "category", "documentation": "documentation", "labels": "labels",
	"stableKey": "stableKey", "flows": "flows", "steps": "steps", "branches": "branches", "name": "name", "action": "action", "inputs": "inputs",
	"security": "endpointSecurityType", "synchronous": "isSynchronous", "retry": "retryConfig", "maxAttempts": "maxAttempts",
	"requestKey": "uniqueRequestIdField", "ordering": "queueConfig", "concurrency": "queueConfig.concurrencyLimit",
	"deduplicationKey": "queueConfig.dedupeIdField", "onError": "errorConfig", "schedule": "schedule", "cron": "value", "timeZone": "meta.timeZone",
	"configVariables": "requiredConfigVars", "choices": "pickList", "defaultValue": "defaultValue", "defaultValueJson": "defaultValue",
	"connectionType": "connection", "collection": "collectionType", "configPages": "configPages", "title": "name", "tagline": "tagline",
	"elements": "elements", "codeLanguage": "codeLanguage", "items": "value", "nameFrom": "name", "configVariable": "value", "heading": "value",
}

// find returns where a path of the definition stands in the file, as near as can be said.
func (p places) find(path string) string {
	known, rest := path, ""
	for known != "" {
		if at, ok := p[known]; ok {
			return below(at, rest)
		}
		cut := strings.LastIndexAny(known, ".[")
		cut = max(cut, 0)
		rest = known[cut:] + rest
		known = known[:cut]
	}
	return below("", rest)
}

// below spells the rest of a path in the words of the file, as far as there are words.
func below(at, rest string) string {
	inInputs := strings.HasSuffix(at, ".inputs")
	for rest != "" {
		rest = strings.TrimPrefix(rest, ".")
		if rest == "" {
			break
		}
		if rest[0] == '[' {
			end := strings.IndexByte(rest, ']') + 1
			if end == 0 {
				return at
			}
			at, rest = at+rest[:end], rest[end:]
			continue
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		segment := rest[:end]
		rest = rest[end:]
		switch word, ok := vocabulary[segment]; {
		case inInputs:
			at, inInputs = keyed(at, segment), false
		case segment == "complex": // its items stand right in the value
		case !ok:
			return at
		default:
			at = strings.TrimPrefix(at+"."+word, ".")
			inInputs = segment == "inputs"
		}
	}
	return at
}

// element is a path of a definition in the middle of a sentence.
var element = regexp.MustCompile(`\b(flows|configVariables|configPages)\[\d+\]((\.(steps|branches|elements)\[\d+\])|\.trigger)*(\.choices\[\d+\])?`)

// inFile spells the paths of violations in the words of the file, those that descriptions name, too.
func (p places) inFile(violations []ipaas.Violation) []ipaas.Violation {
	out := make([]ipaas.Violation, len(violations))
	for i, v := range violations {
		v.Field = p.find(v.Field)
		v.Description = element.ReplaceAllStringFunc(v.Description, p.find)
		out[i] = v
	}
	return out
}
