package main

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v4"
)

// expectation is what a test is to come to. What it does not say may be as it is.
type expectation struct {
	state    string // SUCCEEDED, FAILED, CANCELED, or NONE where the trigger is to answer by itself; "": as error says
	refused  textWant
	err      textWant
	result   valueWant
	steps    []stepWant
	order    []string // all steps that ran, one after the other; nil: not said
	requests []requestWant
	all      bool // requests are all there are, in their order
	some     []requestWant
	response *responseWant
	logs     []logWant
}

// textWant is what a text is to be, or to hold.
type textWant struct {
	is, includes string
	said         bool
}

// valueWant is what a value is to be, or to hold: of an object the fields that are named, of a list its items in their place.
type valueWant struct {
	value    any
	includes any
	is, some bool // which of the two was said
}

type stepWant struct {
	name           string // id, display name or path
	run            *bool
	times          *int
	result, inputs valueWant
	err            textWant
	branch         *string
	standIn        *bool
}

type requestWant struct {
	method, url, step string
	json              valueWant
	text              textWant
	headers           map[string]string
	times             *int
}

type responseWant struct {
	status  *int
	json    valueWant
	text    textWant
	headers map[string]string
}

type logWant struct {
	severity, step string
	message        textWant
}

func (r *suiteReader) expectation(node *yaml.Node, path string) expectation {
	var e expectation
	known := fields{
		"state": func(node *yaml.Node, path string) {
			r.text(&e.state)(node, path)
			switch e.state = strings.TrimPrefix(e.state, "STATE_"); e.state {
			case "", "SUCCEEDED", "FAILED", "CANCELED", "NONE":
			default:
				r.refuse(node, path, "NOT_A_CHOICE", "is %s: give one of SUCCEEDED, FAILED, CANCELED, NONE", e.state)
			}
		},
		"steps": func(node *yaml.Node, path string) {
			r.each(node, path, func(name string, node *yaml.Node, path string) { e.steps = append(e.steps, r.step(name, node, path)) })
		},
		"order": func(node *yaml.Node, path string) {
			e.order = []string{}
			r.list(node, path, 100_000, func(node *yaml.Node, path string) {
				var name string
				r.text(&name)(node, path)
				e.order = append(e.order, name)
			})
		},
		"requests": func(node *yaml.Node, path string) {
			e.all = true
			r.list(node, path, 1000, func(node *yaml.Node, path string) { e.requests = append(e.requests, r.request(node, path)) })
		},
		"requestsInclude": func(node *yaml.Node, path string) {
			r.list(node, path, 1000, func(node *yaml.Node, path string) { e.some = append(e.some, r.request(node, path)) })
		},
		"response": func(node *yaml.Node, path string) { e.response = r.response(node, path) },
		"logs": func(node *yaml.Node, path string) {
			r.list(node, path, 1000, func(node *yaml.Node, path string) { e.logs = append(e.logs, r.log(node, path)) })
		},
	}
	r.textWant(known, "error", &e.err)
	r.textWant(known, "refused", &e.refused)
	r.valueWant(known, "result", &e.result)
	r.object(node, path, known)
	return e
}

// textWant adds the fields that say what a text is to be, or to hold.
func (r *suiteReader) textWant(known fields, name string, into *textWant) {
	both := func(node *yaml.Node, path string) {
		if into.said {
			r.refuse(node, path, "MISPLACED", "stands beside %s or %s: give one of them", name, including(name))
		}
		into.said = true
	}
	known[name] = func(node *yaml.Node, path string) {
		both(node, path)
		r.text(&into.is)(node, path)
	}
	known[including(name)] = func(node *yaml.Node, path string) {
		both(node, path)
		r.text(&into.includes)(node, path)
	}
}

func (r *suiteReader) valueWant(known fields, name string, into *valueWant) {
	read := func(node *yaml.Node, path string) any {
		text, ok := r.anything(node, path)
		if !ok {
			return nil
		}
		v, err := parseJSON(text)
		if err != nil {
			r.refuse(node, path, "MALFORMED", "%v", err)
		}
		return v
	}
	known[name] = func(node *yaml.Node, path string) { into.value, into.is = read(node, path), true }
	known[including(name)] = func(node *yaml.Node, path string) { into.includes, into.some = read(node, path), true }
}

// including is the field that says of what another field is about what it is to hold.
func including(name string) string {
	if strings.HasSuffix(name, "s") { // of more than one
		return name + "Include"
	}
	return name + "Includes"
}

func (r *suiteReader) step(name string, node *yaml.Node, path string) stepWant {
	w := stepWant{name: name}
	known := fields{
		"run": r.boolean(&w.run), "times": r.whole(&w.times), "standIn": r.boolean(&w.standIn),
		"branch": func(node *yaml.Node, path string) {
			var branch string
			r.text(&branch)(node, path)
			w.branch = &branch
		},
	}
	r.valueWant(known, "result", &w.result)
	r.valueWant(known, "inputs", &w.inputs)
	r.textWant(known, "error", &w.err)
	r.object(node, path, known)
	return w
}

func (r *suiteReader) request(node *yaml.Node, path string) requestWant {
	var w requestWant
	known := fields{
		"method": r.text(&w.method), "url": r.text(&w.url), "step": r.text(&w.step), "times": r.whole(&w.times),
		"headers": func(node *yaml.Node, path string) { w.headers = r.texts(node, path) },
	}
	r.valueWant(known, "json", &w.json)
	r.textWant(known, "text", &w.text)
	r.object(node, path, known)
	return w
}

func (r *suiteReader) response(node *yaml.Node, path string) *responseWant {
	w := &responseWant{}
	known := fields{
		"status":  r.whole(&w.status),
		"headers": func(node *yaml.Node, path string) { w.headers = r.texts(node, path) },
	}
	r.valueWant(known, "json", &w.json)
	r.textWant(known, "text", &w.text)
	r.object(node, path, known)
	return w
}

func (r *suiteReader) log(node *yaml.Node, path string) logWant {
	var w logWant
	known := fields{"severity": r.text(&w.severity), "step": r.text(&w.step)}
	r.textWant(known, "message", &w.message)
	r.object(node, path, known)
	return w
}

func (r *suiteReader) texts(node *yaml.Node, path string) map[string]string {
	out := map[string]string{}
	r.each(node, path, func(name string, node *yaml.Node, path string) {
		var text string
		r.text(&text)(node, path)
		out[name] = text
	})
	return out
}

// parseJSON reads JSON with the digits of its numbers.
func parseJSON(text string) (any, error) {
	dec := json.NewDecoder(bytes.NewReader([]byte(text)))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}
