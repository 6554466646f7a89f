package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func TestPageTokens(t *testing.T) {
	t.Parallel()
	p := pager{[]byte("key")}
	query := func(token string) *pb.ListIntegrationsRequest {
		return &pb.ListIntegrationsRequest{Filter: `id = "a"`, OrderBy: "id", PageSize: 2, PageToken: token}
	}
	token := p.token(query(""), "the cursor")
	accepted := query(token)
	accepted.PageSize, accepted.View = 100, pb.View_VIEW_FULL
	if got, err := p.cursor(accepted); got != "the cursor" || err != nil {
		t.Errorf("the token's own query: %q, %v", got, err)
	}
	otherFilter, otherOrder := query(token), query(token)
	otherFilter.Filter, otherOrder.OrderBy = `id = "b"`, "id desc"
	forged := []byte(token)
	forged[len(forged)-1] ^= 1
	tests := []struct {
		name string
		p    pager
		req  listing
	}{
		{"another filter", p, otherFilter},
		{"another order", p, otherOrder},
		{"another list", p, &pb.ListCustomersRequest{Filter: `id = "a"`, OrderBy: "id", PageToken: token}},
		{"another key", pager{[]byte("another")}, query(token)},
		{"forged", p, query(string(forged))},
		{"cut", p, query(token[:10])},
		{"no token at all", p, query("%%%")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := test.p.cursor(test.req)
			var ours *ipaas.Error
			if !errors.As(err, &ours) || ours.Kind != ipaas.Invalid || ours.Violations[0].Field != "page_token" {
				t.Errorf("error %v", err)
			}
		})
	}
	if p.token(query(""), "") != "" {
		t.Error("the last page has a token")
	}
}

func TestPageTokenOfAnotherParent(t *testing.T) {
	t.Parallel()
	p := pager{[]byte("key")}
	token := p.token(&pb.ListFlowsRequest{IntegrationId: "a"}, "2")
	if _, err := p.cursor(&pb.ListFlowsRequest{IntegrationId: "b", PageToken: token}); !errors.Is(err, ipaas.Invalid) {
		t.Errorf("error %v", err)
	}
}

func TestPageSize(t *testing.T) {
	t.Parallel()
	for sent, want := range map[int32]int{0: 50, 1: 1, 1000: 1000, 5000: 1000, -3: 50} {
		if got := pageSize(&pb.ListCustomersRequest{PageSize: sent}); got != want {
			t.Errorf("page_size %d: %d, want %d", sent, got, want)
		}
	}
}

func TestEtags(t *testing.T) {
	t.Parallel()
	uid := func(uid string, err error) subject {
		return subject{noun: "customer", id: "a", uid: func() (string, error) { return uid, err }}
	}
	broken := errors.New("the disk is gone")
	good := etagOf("u1", 300)
	tests := []struct {
		name string
		etag string
		s    subject
		want int64
		err  error
	}{
		{"none", "", uid("", broken), 0, nil},
		{"its own", good, uid("u1", nil), 300, nil},
		{"another one's", etagOf("u2", 300), uid("u1", nil), 0, ipaas.Conflict},
		{"malformed", "???", uid("u1", nil), 0, ipaas.Conflict},
		{"cut", good[:5], uid("u1", nil), 0, ipaas.Conflict},
		{"too long", good + "AAAA", uid("u1", nil), 0, ipaas.Conflict},
		{"of something that is gone", good, uid("", ipaas.Absent("customer", "a")), 300, nil},
		{"unreadable", good, uid("", broken), 0, broken},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := base(test.etag, test.s)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("base %d, %v; want %d, %v", got, err, test.want, test.err)
			}
		})
	}
	if strings.ContainsAny(good, `"+/=`) || etagOf("u1", 300) != good || etagOf("u1", 301) == good {
		t.Errorf("etag %q", good)
	}
}

func TestMutation(t *testing.T) {
	t.Parallel()
	a := mutation(&pb.CreateCustomerRequest{Customer: &pb.Customer{Labels: map[string]string{"a": "1", "b": "2"}}, RequestId: "1"}, 0)
	b := mutation(&pb.CreateCustomerRequest{Customer: &pb.Customer{Labels: map[string]string{"b": "2", "a": "1"}}, RequestId: "2"}, 0)
	c := mutation(&pb.CreateCustomerRequest{Customer: &pb.Customer{}, RequestId: "1", ValidateOnly: true}, 5)
	if a.Method != "CreateCustomer" || a.RequestID != "1" || a.RequestHash == "" || a.RequestHash != b.RequestHash {
		t.Errorf("mutations %+v and %+v", a, b)
	}
	if c.RequestHash == a.RequestHash || !c.ValidateOnly || c.Base != 5 {
		t.Errorf("mutation %+v", c)
	}
}
