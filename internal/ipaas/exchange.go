package ipaas

// Exchange is a request to another system that a test made, or is not to make, and what it was answered.
type Exchange struct {
	StepPath string // of the step that made it; "" of one to answer from
	Request  ExchangeRequest
	Response *Response // nil: there was no answer
	Error    string    // why there was none
	// Truncated tells that a body was too long to keep whole.
	Truncated bool
}

// ExchangeRequest is the request of an exchange.
type ExchangeRequest struct {
	Method  string
	URL     string
	Headers []NamedText
	Body    []byte
	AnyBody bool // of one to answer from: it fits requests with whatever body
}
