package builtin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// What comes out of texts may be larger than what goes in: these bound it.
const (
	maxTextBytes = 32 << 20
	maxPieces    = 1_000_000
)

func textManipulation() *component.Component {
	c := &component.Component{
		ID: "text-manipulation", DisplayName: "Text Manipulation", Description: "Take texts apart, change them and put them together.",
	}
	c.Actions = append(c.Actions, pieceActions()...)
	c.Actions = append(c.Actions, replaceActions()...)
	c.Actions = append(c.Actions, spellingActions()...)
	return c
}

func textInput() ipaas.InputField {
	return ipaas.InputField{Key: "text", DisplayName: "Text", Type: ipaas.FieldText, Description: "The text."}
}

// pieceActions take texts apart and put them together.
func pieceActions() []component.Action {
	text := textInput()
	strs := ipaas.InputField{
		Key: "strings", DisplayName: "Strings", Type: ipaas.FieldText, Collection: ipaas.CollectionList, Example: `["a", "b"]`,
		Description: "The texts, in order. What is no text is joined as it reads in a template; nothing is an empty text.",
	}
	return []component.Action{
		pure("split", "Split String", "Splits a text at a separator.", "The list of the pieces, empty ones included.", splitText, text, ipaas.InputField{
			Key: "separator", DisplayName: "Separator", Type: ipaas.FieldText, Example: ",",
			Description: "What stands between the pieces, taken literally. Empty: every character is a piece.",
		}),
		pure("splitLines", "Split Lines", "Splits a text into lines.", "The list of the lines without their ends.", splitLines, text, ipaas.InputField{
			Key: "filterBlankLines", DisplayName: "Filter Blank Lines", Type: ipaas.FieldBoolean, Default: "true",
			Description: "Whether to leave out lines with nothing but white space.",
		}),
		pure("join", "Join", "Joins texts.", "The text.", joinTexts, strs, ipaas.InputField{
			Key: "separator", DisplayName: "Separator", Type: ipaas.FieldText, Example: ", ", Description: "What to put between two of them.",
		}),
		pure("joinLines", "Join Lines", "Joins texts as lines.", "The text.", joinLines, strs,
			ipaas.InputField{
				Key: "newlineType", DisplayName: "Newline Type", Type: ipaas.FieldText, Default: `"newline"`, Example: "crlf",
				Description: "What ends a line: `newline` (LF), `crlf` (CR and LF) or `br` (the HTML tag <br />), or one of these as it stands in the text.",
			},
			ipaas.InputField{
				Key: "numberOfNewlines", DisplayName: "Number of Newlines", Type: ipaas.FieldNumber, Default: "1",
				Description: "How many of them to put between two texts, 0 to 100.",
			}),
		pure("slice", "Extract Substring", "Takes a part out of a text.", "The part; an empty text where there is none.", sliceText, text,
			ipaas.InputField{
				Key: "sliceStart", DisplayName: "Slice Start", Type: ipaas.FieldNumber, Default: "0",
				Description: "The number of its first character, from 0; below 0 it is counted from the end.",
			},
			ipaas.InputField{
				Key: "sliceStop", DisplayName: "Slice Stop", Type: ipaas.FieldNumber,
				Description: "The number of the first character behind it; below 0 it is counted from the end. None: it goes on to the end.",
			}),
		pure("stringLength", "String Length", "Counts the characters of a text.", "The number of characters.",
			func(in component.Inputs) (any, error) {
				return value.FromInt(int64(utf8.RuneCountInString(in.Text("text")))), nil
			}, text),
	}
}

// replaceActions look for something in a text.
func replaceActions() []component.Action {
	text := textInput()
	return []component.Action{
		pure("replace", "Find & Replace", "Replaces every place at which something stands in a text.", "The changed text.", replaceText, text,
			ipaas.InputField{
				Key: "find", DisplayName: "Find", Type: ipaas.FieldText, Required: true, Example: "unprocessed",
				Description: "What to look for, taken literally; or a regular expression with flags, as /[0-9]+/g. Without a flag behind the second slash it is literal, too: paths look like that. " + regexNote,
			},
			ipaas.InputField{
				Key: "replace", DisplayName: "Replace", Type: ipaas.FieldText, Example: "processed",
				Description: "What to put there. With a regular expression $1 is what its first group found, $& what the whole of it found, and $$ a dollar sign.",
			}),
		pure("replaceMultipleSubstring", "Find & Replace Multiple Substrings", "Replaces several things in one go: what is put in for one is not looked at again.", "The changed text.",
			replaceSeveral, text, ipaas.InputField{
				Key: "replaceMultiple", DisplayName: "Replace With", Type: ipaas.FieldText, Collection: ipaas.CollectionKeyValueList, Required: true, Example: `{"a": "b"}`,
				Description: "What to look for, taken literally, and what to put there. Where two are found at one place, the earlier one counts.",
			}),
		pure("match", "Match Regex", "Looks for a regular expression in a text.",
			"With the flag g the list of all that was found; else a list of what was found first and what its groups found. Nothing, if nothing was found.", matchText, text,
			ipaas.InputField{
				Key: "regex", DisplayName: "Regex", Type: ipaas.FieldText, Required: true, Example: `[A-Z]{2}-(\d+)`,
				Description: "The regular expression, with or without slashes around it. " + regexNote,
			},
			ipaas.InputField{
				Key: "regexFlags", DisplayName: "Regex Flags", Default: `"g"`,
				Description: "Letters: g finds all, i takes capital and small letters for one, m lets ^ and $ match at lines, s lets . match line ends; d and u change nothing.",
			}),
	}
}

// spellingActions write a text otherwise.
func spellingActions() []component.Action {
	simple := func(key, name, description string, do func(text string) string) component.Action {
		return pure(key, name, description, "The text.", func(in component.Inputs) (any, error) { return do(in.Text("text")), nil }, textInput())
	}
	return []component.Action{
		simple("upperCase", "Upper Case", "Writes a text in capital letters.", func(text string) string { return cases.Upper(language.Und).String(text) }),
		simple("lowerCase", "Lower Case", "Writes a text in small letters.", func(text string) string { return cases.Lower(language.Und).String(text) }),
		simple("trim", "Remove Whitespace", "Takes white space away from both ends of a text.", func(text string) string { return strings.TrimFunc(text, isSpace) }),
		pure("encodeBase64", "Encode Base64", "Encodes a text or a file as base64.", "The base64 text.", encodeBase64, ipaas.InputField{
			Key: "text", DisplayName: "Text or file", Type: ipaas.FieldData, Description: "The text or the bytes.",
		}),
		pure("decodeBase64", "Decode Base64", "Decodes base64, plain or for URLs, with padding or without.", "The text or, if it is no UTF-8, the bytes.", decodeBase64, ipaas.InputField{
			Key: "text", DisplayName: "Base64 Text", Type: ipaas.FieldText, Description: "The base64 text. White space in it is left out.",
		}),
		pure("htmlEncode", "HTML Encode", "Writes a text so that it can stand in HTML: <, >, &, quotes, backticks, control characters and all characters beyond ASCII become references such as &#x3C;. Line ends stay.",
			"The text.", encodeHTML, textInput()),
		simple("htmlDecode", "HTML Decode", "Turns the entities of HTML back into characters.", html.UnescapeString),
	}
}

func encodeHTML(in component.Inputs) (any, error) {
	var b strings.Builder
	for _, r := range in.Text("text") {
		if b.Len() > maxTextBytes {
			return nil, errLargeText
		}
		if r >= 0x7f || r < ' ' && r != '\n' && r != '\r' || strings.ContainsRune("\"&'<>`", r) {
			fmt.Fprintf(&b, "&#x%X;", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String(), nil
}

func splitText(in component.Inputs) (any, error) {
	text, separator := in.Text("text"), in.Text("separator")
	pieces := strings.Count(text, separator) // with an empty separator one more than there are characters
	if pieces > maxPieces {
		return nil, fmt.Errorf("input %q has more than %d pieces: split it at something else", "text", maxPieces)
	}
	if text == "" && separator == "" {
		return []any{}, nil
	}
	return texts(strings.Split(text, separator)), nil
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = list[i]
	}
	return out
}

func splitLines(in component.Inputs) (any, error) {
	text := in.Text("text")
	if strings.Count(text, "\n") > maxPieces {
		return nil, fmt.Errorf("input %q has more than %d lines: split it up before", "text", maxPieces)
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	if in.Bool("filterBlankLines") {
		lines = slices.DeleteFunc(lines, func(line string) bool { return strings.TrimSpace(line) == "" })
	}
	return texts(lines), nil
}

func joinTexts(in component.Inputs) (any, error) { return joinWith(in, in.Text("separator")) }

func joinWith(in component.Inputs, separator string) (any, error) {
	list := in.List("strings")
	parts := make([]string, len(list))
	size := separators(len(list), len(separator))
	for i := range list {
		parts[i] = value.Text(list[i])
		size += len(parts[i])
	}
	if size > maxTextBytes {
		return nil, errLargeText
	}
	return strings.Join(parts, separator), nil
}

// separators is how many bytes the separators between some parts have.
func separators(parts, each int) int { return max(parts-1, 0) * each }

var errLargeText = fmt.Errorf("the text would be larger than %d MiB: make smaller ones", maxTextBytes>>20)

// maxNewlines is how many line ends may stand between two lines.
const maxNewlines = 100

// newlines is what ends a line, by its name, by itself, and by how it is written where it cannot be typed.
var newlines = map[string]string{
	"": "\n", "newline": "\n", "\n": "\n", `\n`: "\n", "crlf": "\r\n", "\r\n": "\r\n", `\r\n`: "\r\n", "br": "<br />", "<br />": "<br />", "<br>": "<br>",
}

func joinLines(in component.Inputs) (any, error) {
	n, err := in.Int("numberOfNewlines")
	if err != nil {
		return nil, err
	}
	if n < 0 || n > maxNewlines {
		return nil, fmt.Errorf("input %q is %d: give 0 to %d", "numberOfNewlines", n, maxNewlines)
	}
	end, known := newlines[in.Text("newlineType")]
	if !known {
		return nil, fmt.Errorf("input %q is no end of a line: give newline, crlf or br", "newlineType")
	}
	return joinWith(in, strings.Repeat(end, n))
}

func replaceText(in component.Inputs) (any, error) {
	text, find, with := in.Text("text"), in.Text("find"), in.Text("replace")
	if pattern, flags, ok := slashed(find); ok {
		re, _, err := regex(pattern, flags)
		if err != nil {
			return nil, fmt.Errorf("input %q %w", "find", err)
		}
		return replaceMatches(re, text, with)
	}
	if len(text)+strings.Count(text, find)*(len(with)-len(find)) > maxTextBytes {
		return nil, errLargeText
	}
	return strings.ReplaceAll(text, find, with), nil
}

// maxReplacements is how many things are replaced in one go.
const maxReplacements = 1000

func replaceSeveral(in component.Inputs) (any, error) {
	pairs := in.Pairs("replaceMultiple")
	if len(pairs) > maxReplacements {
		return nil, fmt.Errorf("input %q has %d items: give %d at most", "replaceMultiple", len(pairs), maxReplacements)
	}
	text, most := in.Text("text"), 0
	all := make([]string, 0, 2*len(pairs))
	for i, p := range pairs {
		with := value.Text(p.Value)
		if p.Key == "" {
			return nil, fmt.Errorf("input %q: item %d looks for an empty text: give what to look for", "replaceMultiple", i)
		}
		most += strings.Count(text, p.Key) * len(with)
		all = append(all, p.Key, with)
	}
	if len(text)+most > maxTextBytes {
		return nil, errLargeText
	}
	return strings.NewReplacer(all...).Replace(text), nil
}

// sliceText counts characters, not the units of any encoding.
func sliceText(in component.Inputs) (any, error) {
	runes := []rune(in.Text("text"))
	place := func(key string, otherwise int) (int, error) {
		n, err := in.Int(key)
		switch {
		case in.Value(key) == nil:
			return otherwise, nil
		case err != nil:
			return 0, err
		case n < 0:
			return max(len(runes)+max(n, -len(runes)), 0), nil
		}
		return min(n, len(runes)), nil
	}
	start, err := place("sliceStart", 0)
	if err != nil {
		return nil, err
	}
	stop, err := place("sliceStop", len(runes))
	if err != nil || start >= stop {
		return "", err
	}
	return string(runes[start:stop]), nil
}

func encodeBase64(in component.Inputs) (any, error) {
	if b, ok := in.Value("text").(value.Bytes); ok {
		return base64.StdEncoding.EncodeToString(b.Data), nil
	}
	return base64.StdEncoding.EncodeToString([]byte(in.Text("text"))), nil
}

func decodeBase64(in component.Inputs) (any, error) {
	text := strings.Join(strings.Fields(in.Text("text")), "")
	text = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=")
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New(`input "text" is no base64: give letters, digits, + and /, or - and _`)
	}
	if utf8.Valid(data) {
		return string(data), nil
	}
	return value.Bytes{Data: data, ContentType: "application/octet-stream"}, nil
}
