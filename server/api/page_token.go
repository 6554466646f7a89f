package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"google.golang.org/protobuf/proto"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// The sizes of pages.
const (
	defaultPageSize = 50
	maxPageSize     = 1000
)

// tokenMAC is how many bytes of the signature a page token holds.
const tokenMAC = 16

// listing is a request for a page of a list.
type listing interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
}

// pager makes page tokens and reads them again. A token carries where the next page begins and is signed together with the rest
// of the query, so that it fits that query only and cannot be made up.
type pager struct{ key []byte }

// token returns the page token for the page that begins after a cursor, "" for none.
func (p pager) token(req listing, cursor string) string {
	if cursor == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(append(p.sign(req, cursor), cursor...))
}

// cursor returns where the page that is asked for begins.
func (p pager) cursor(req listing) (string, error) {
	if req.GetPageToken() == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(req.GetPageToken())
	if err == nil && len(raw) > tokenMAC {
		cursor := string(raw[tokenMAC:])
		if hmac.Equal(raw[:tokenMAC], p.sign(req, cursor)) {
			return cursor, nil
		}
	}
	return "", invalid(violation("page_token", ipaas.ReasonMalformed,
		"is no token of this query: send what next_page_token said with the same other fields, or begin without one"))
}

func (p pager) sign(req listing, cursor string) []byte {
	clone := proto.Clone(req)
	message := clone.ProtoReflect()
	// How many, and how much of each, may change from page to page.
	for _, name := range []string{"page_size", "page_token", "view"} {
		if field := message.Descriptor().Fields().ByTextName(name); field != nil {
			message.Clear(field)
		}
	}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(clone)
	if err != nil {
		panic("api: a request does not marshal: " + err.Error())
	}
	query := sha256.Sum256(text)
	mac := hmac.New(sha256.New, p.key)
	mac.Write([]byte(message.Descriptor().FullName()))
	mac.Write([]byte{0})
	mac.Write(query[:])
	mac.Write([]byte(cursor))
	return mac.Sum(nil)[:tokenMAC]
}

func pageSize(req listing) int {
	size := int(req.GetPageSize())
	if size <= 0 {
		return defaultPageSize
	}
	return min(size, maxPageSize)
}

// searching is a listing that can be filtered and ordered.
type searching interface {
	listing
	GetFilter() string
	GetOrderBy() string
}

// query turns a request into a query of the store, with everything that is wrong with it.
func (p pager) query(req searching, fields fields) (storage.Query, error) {
	var d decoding
	q := storage.Query{Size: pageSize(req)}
	var err error
	q.After, err = p.cursor(req)
	d.add(err)
	q.Filter, err = parseFilter(req.GetFilter(), fields)
	d.add(err)
	q.OrderBy, err = parseOrder(req.GetOrderBy(), fields)
	d.add(err)
	return q, d.err()
}
