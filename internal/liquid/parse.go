package liquid

import "slices"

// parser makes nodes of pieces.
type parser struct {
	pieces []piece
	pos    int
	depth  int
	loops  int // for blocks around what is parsed
}

// block reads nodes up to one of the tags that end the block, which it leaves, or to the end of the template where there are none.
func (p *parser) block(ends []string) ([]node, error) {
	var body []node
	for p.pos < len(p.pieces) {
		at := p.pieces[p.pos]
		if at.kind == tag && slices.Contains(ends, at.name) {
			return body, nil
		}
		p.pos++
		switch at.kind {
		case plain:
			body = append(body, textNode{at.text})
		case output:
			n, err := p.output(at)
			if err != nil {
				return nil, err
			}
			body = append(body, n)
		case tag:
			n, err := p.tag(at)
			if err != nil {
				return nil, err
			}
			if n != nil {
				body = append(body, n)
			}
		}
	}
	if ends != nil {
		return nil, &Error{Line: p.lastLine(), Message: "the template ends where {% " + ends[len(ends)-1] + " %} is missing"}
	}
	return body, nil
}

func (p *parser) lastLine() int {
	if len(p.pieces) == 0 {
		return 1
	}
	return p.pieces[len(p.pieces)-1].line
}

func (p *parser) output(at piece) (node, error) {
	s := &scanner{s: at.text, line: at.line}
	if s.done() {
		return textNode{}, nil
	}
	of, err := s.filtered()
	if err == nil {
		err = s.end()
	}
	return outputNode{of: of, line: at.line}, err
}

func (p *parser) tag(at piece) (node, error) {
	s := &scanner{s: at.text, line: at.line}
	switch at.name {
	case "", "#":
		return nil, nil
	case "echo":
		return p.output(at)
	case "assign":
		return assign(s)
	case "increment", "decrement":
		return count(s, at.name)
	case "cycle":
		return cycle(s, at.text)
	case "break", "continue":
		if p.loops == 0 {
			return nil, s.wrong("{% " + at.name + " %} stands outside of a for")
		}
		l := breaks
		if at.name == "continue" {
			l = continues
		}
		return leaveNode{l}, s.end()
	}
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, s.wrong("blocks nest too deep")
	}
	switch at.name {
	case "capture":
		return p.capture(s)
	case "if", "unless":
		return p.branches(s, at.name)
	case "case":
		return p.cases(s)
	case "for":
		return p.loop(s)
	case "include", "render", "layout", "block":
		return nil, s.wrong("{% " + at.name + " %} would need another template, and there is none: write it out")
	default:
		return nil, s.wrong("there is no tag " + quoteName(at.name) + " here")
	}
}

func assign(s *scanner) (node, error) {
	name := s.word()
	if name == "" || !s.accept("=") {
		return nil, s.wrong("write {% assign name = value %}")
	}
	of, err := s.filtered()
	if err == nil {
		err = s.end()
	}
	return assignNode{name: name, of: of, line: s.line}, err
}

func count(s *scanner, tag string) (node, error) {
	name := s.word()
	if name == "" {
		return nil, s.wrong("write {% " + tag + " name %}")
	}
	n := countNode{name: name, by: 1}
	if tag == "decrement" {
		n.by = -1
	}
	return n, s.end()
}

func cycle(s *scanner, text string) (node, error) {
	n := cycleNode{key: text, line: s.line}
	for {
		v, err := s.value()
		if err != nil {
			return nil, err
		}
		if n.group == nil && len(n.values) == 0 && s.accept(":") {
			n.group = v
			continue
		}
		n.values = append(n.values, v)
		if !s.accept(",") {
			return n, s.end()
		}
	}
}

// end reads the rest of a block and its end tag.
func (p *parser) end(name string) ([]node, error) {
	body, err := p.block([]string{name})
	if err == nil {
		p.pos++
	}
	return body, err
}

func (p *parser) capture(s *scanner) (node, error) {
	name := s.word()
	if name == "" {
		// Some put the name in quotes.
		if v, err := s.value(); err == nil {
			l, _ := v.(literal)
			name, _ = l.v.(string)
		}
	}
	if name == "" || !s.done() {
		return nil, s.wrong("write {% capture name %}")
	}
	body, err := p.end("endcapture")
	return captureNode{name: name, body: body}, err
}

// not is what unless asks.
type not struct{ of expr }

func (n not) eval(r *run) any { return !truth(n.of.eval(r)) }

func (p *parser) branches(s *scanner, name string) (node, error) {
	n := ifNode{line: s.line}
	ask, err := s.condition()
	if err != nil {
		return nil, err
	}
	if name == "unless" {
		ask = not{ask}
	}
	for {
		body, err := p.block([]string{"elsif", "else", "end" + name})
		if err != nil {
			return nil, err
		}
		n.branches = append(n.branches, branch{when: ask, body: body})
		at := p.pieces[p.pos]
		p.pos++
		switch at.name {
		case "elsif":
			if ask, err = (&scanner{s: at.text, line: at.line}).condition(); err != nil {
				return nil, err
			}
		case "else":
			body, err := p.end("end" + name)
			n.branches = append(n.branches, branch{body: body})
			return n, err
		default:
			return n, nil
		}
	}
}

func (p *parser) cases(s *scanner) (node, error) {
	of, err := s.filtered()
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, err
	}
	n := caseNode{of: of, line: s.line}
	if _, err := p.block([]string{"when", "else", "endcase"}); err != nil {
		return nil, err // what stands before the first when is nothing
	}
	for {
		at := p.pieces[p.pos]
		p.pos++
		switch at.name {
		case "endcase":
			return n, nil
		case "else":
			body, err := p.end("endcase")
			n.whens = append(n.whens, when{body: body})
			return n, err
		}
		values, err := whenValues(&scanner{s: at.text, line: at.line})
		if err != nil {
			return nil, err
		}
		body, err := p.block([]string{"when", "else", "endcase"})
		if err != nil {
			return nil, err
		}
		n.whens = append(n.whens, when{values: values, body: body})
	}
}

func whenValues(s *scanner) ([]expr, error) {
	var values []expr
	for {
		v, err := s.value()
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if !s.accept(",") && !s.acceptWord("or") {
			return values, s.end()
		}
	}
}

func (p *parser) loop(s *scanner) (node, error) {
	n := forNode{name: s.word(), line: s.line}
	if n.name == "" || !s.acceptWord("in") {
		return nil, s.wrong("write {% for item in list %}")
	}
	var err error
	if n.of, err = s.value(); err != nil {
		return nil, err
	}
	for !s.done() {
		s.accept(",")
		switch word := s.word(); {
		case word == "reversed":
			n.reversed = true
		case word == "limit" && s.accept(":"):
			n.limit, err = s.value()
		case word == "offset" && s.accept(":"):
			n.offset, err = s.value()
		default:
			err = s.wrong("a for knows limit:, offset: and reversed")
		}
		if err != nil {
			return nil, err
		}
	}
	p.loops++
	n.body, err = p.block([]string{"else", "endfor"})
	p.loops--
	if err != nil {
		return nil, err
	}
	at := p.pieces[p.pos]
	p.pos++
	if at.name == "else" {
		n.without, err = p.end("endfor")
	}
	return n, err
}
