package api_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func TestCustomerLife(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		create := &pb.CreateCustomerRequest{Customer: &pb.Customer{
			Id: "smith-rockets", DisplayName: "Smith Rockets", Description: "builds rockets", Labels: map[string]string{"tier": "gold"}, Uid: "forged",
		}}
		created := ok[*pb.CreateCustomerResponse](t, call, create).GetCustomer()
		if created.GetUid() == "forged" || created.GetUid() == "" || created.GetEtag() == "" || created.GetCreateTime() == nil {
			t.Errorf("created: %v", created)
		}
		refused(t, call, create, codes.AlreadyExists, "ALREADY_EXISTS")

		got := ok[*pb.GetCustomerResponse](t, call, &pb.GetCustomerRequest{CustomerId: "smith-rockets"}).GetCustomer()
		if diff := cmp.Diff(created, got, protocmp.Transform()); diff != "" {
			t.Errorf("what is read differs from what was created:\n%s", diff)
		}
		changed := ok[*pb.UpdateCustomerResponse](t, call, &pb.UpdateCustomerRequest{
			CustomerId: "smith-rockets", Customer: &pb.Customer{ExternalId: "acct-42", Description: "ignored", Etag: got.GetEtag()},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"external_id"}},
		}).GetCustomer()
		if changed.GetExternalId() != "acct-42" || changed.GetDescription() != "builds rockets" || changed.GetEtag() == got.GetEtag() {
			t.Errorf("changed: %v", changed)
		}
		refused(t, call, &pb.UpdateCustomerRequest{CustomerId: "smith-rockets", Customer: &pb.Customer{DisplayName: "X", Etag: got.GetEtag()}},
			codes.Aborted, "STALE_ETAG")
		refused(t, call, &pb.DeleteCustomerRequest{CustomerId: "smith-rockets", Etag: got.GetEtag()}, codes.Aborted, "STALE_ETAG")
		refused(t, call, &pb.DeleteCustomerRequest{CustomerId: "smith-rockets", Etag: "nonsense"}, codes.Aborted, "STALE_ETAG")
		ok[*pb.DeleteCustomerResponse](t, call, &pb.DeleteCustomerRequest{CustomerId: "smith-rockets", Etag: changed.GetEtag()})
		refused(t, call, &pb.GetCustomerRequest{CustomerId: "smith-rockets"}, codes.NotFound, "NOT_FOUND")
	})
}

func TestUpdateWithoutMask(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{
			Id: "a", DisplayName: "A", Description: "stays", Labels: map[string]string{"old": "1"},
		}})
		got := ok[*pb.UpdateCustomerResponse](t, call, &pb.UpdateCustomerRequest{CustomerId: "a", Customer: &pb.Customer{
			DisplayName: "B", Labels: map[string]string{"new": "2"},
		}}).GetCustomer()
		if got.GetDisplayName() != "B" || got.GetDescription() != "stays" || len(got.GetLabels()) != 1 || got.GetLabels()["new"] != "2" {
			t.Errorf("after the update: %v", got)
		}
		all := ok[*pb.UpdateCustomerResponse](t, call, &pb.UpdateCustomerRequest{
			CustomerId: "a", Customer: &pb.Customer{DisplayName: "C"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"*"}},
		}).GetCustomer()
		if all.GetDisplayName() != "C" || all.GetDescription() != "" || len(all.GetLabels()) != 0 || all.GetId() != "a" || all.GetUid() != got.GetUid() {
			t.Errorf("after the replacement: %v", all)
		}
		// Created where there is none, and then changed.
		for _, name := range []string{"New", "Newer"} {
			got := ok[*pb.UpdateCustomerResponse](t, call, &pb.UpdateCustomerRequest{
				CustomerId: "b", Customer: &pb.Customer{DisplayName: name}, AllowMissing: true,
			}).GetCustomer()
			if got.GetId() != "b" || got.GetDisplayName() != name {
				t.Errorf("upserted: %v", got)
			}
		}
	})
}

func TestRefusedCustomers(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "a", DisplayName: "A"}})
		mask := func(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }
		refused(t, call, &pb.CreateCustomerRequest{}, codes.InvalidArgument, "INVALID_ARGUMENT", "customer REQUIRED")
		refused(t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "No Id", ExternalId: string(make([]byte, 300))}},
			codes.InvalidArgument, "INVALID_ARGUMENT", "id MALFORMED", "externalId TOO_LARGE")
		refused(t, call, &pb.UpdateCustomerRequest{CustomerId: "a", Customer: &pb.Customer{Id: "b", DisplayName: "X"}},
			codes.InvalidArgument, "INVALID_ARGUMENT", "id IMMUTABLE")
		refused(t, call, &pb.UpdateCustomerRequest{CustomerId: "a", Customer: &pb.Customer{DisplayName: "X"}, UpdateMask: mask("external_id.x", "create_time")},
			codes.InvalidArgument, "INVALID_ARGUMENT", "updateMask UNKNOWN_FIELD", "updateMask UNKNOWN_FIELD")
		refused(t, call, &pb.UpdateCustomerRequest{CustomerId: "nobody", Customer: &pb.Customer{DisplayName: "X"}}, codes.NotFound, "NOT_FOUND")
		refused(t, call, &pb.ListCustomersRequest{Filter: `colour = "red"`, OrderBy: "size", PageToken: "abc"},
			codes.InvalidArgument, "INVALID_ARGUMENT", "pageToken MALFORMED", "filter MALFORMED", "orderBy MALFORMED")
		refused(t, call, &pb.ListCustomersRequest{PageSize: -1}, codes.InvalidArgument, "INVALID_ARGUMENT", "pageSize MALFORMED")
	})
}

func TestPagesOfCustomers(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		for i := range 7 {
			ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{
				Id: fmt.Sprintf("c%d", i), DisplayName: fmt.Sprintf("Customer %d", i), ExternalId: []string{"even", "odd"}[i%2],
			}})
		}
		var got []string
		req := &pb.ListCustomersRequest{PageSize: 2, Filter: `external_id = "ev*" AND NOT id = c2`, OrderBy: "displayName desc"}
		for {
			page := ok[*pb.ListCustomersResponse](t, call, req)
			for _, c := range page.GetCustomers() {
				got = append(got, c.GetId())
			}
			if req.PageToken = page.GetNextPageToken(); req.GetPageToken() == "" {
				break
			}
			req.PageSize++ // may change from page to page
			other := &pb.ListCustomersRequest{PageToken: req.GetPageToken(), Filter: `id = "c1"`}
			refused(t, call, other, codes.InvalidArgument, "INVALID_ARGUMENT", "pageToken MALFORMED")
		}
		if diff := cmp.Diff([]string{"c6", "c4", "c0"}, got); diff != "" {
			t.Errorf("ids (-want +got):\n%s", diff)
		}
	})
}

func TestSameRequestSameAnswer(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		req := &pb.CreateCustomerRequest{Customer: &pb.Customer{DisplayName: "A"}, RequestId: "one"}
		first := ok[*pb.CreateCustomerResponse](t, call, req)
		second := ok[*pb.CreateCustomerResponse](t, call, req)
		if diff := cmp.Diff(first, second, protocmp.Transform()); diff != "" {
			t.Errorf("the second answer differs:\n%s", diff)
		}
		refused(t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{DisplayName: "B"}, RequestId: "one"},
			codes.InvalidArgument, "REQUEST_ID_REUSED")

		id := first.GetCustomer().GetId()
		gone := &pb.DeleteCustomerRequest{CustomerId: id, Etag: first.GetCustomer().GetEtag(), RequestId: "two"}
		ok[*pb.DeleteCustomerResponse](t, call, gone)
		ok[*pb.DeleteCustomerResponse](t, call, gone)

		ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "dry", DisplayName: "A"}, ValidateOnly: true})
		refused(t, call, &pb.GetCustomerRequest{CustomerId: "dry"}, codes.NotFound, "NOT_FOUND")
	})
}
