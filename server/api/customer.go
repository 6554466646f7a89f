package api

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// CreateCustomer implements CustomerService.
func (s *services) CreateCustomer(ctx context.Context, req *pb.CreateCustomerRequest) (*pb.CreateCustomerResponse, error) {
	c, err := s.plane.CreateCustomer(ctx, customerFromProto(req.GetCustomer()), mutation(req, 0))
	if err != nil {
		return nil, err
	}
	return &pb.CreateCustomerResponse{Customer: customerToProto(c)}, nil
}

// GetCustomer implements CustomerService.
func (s *services) GetCustomer(ctx context.Context, req *pb.GetCustomerRequest) (*pb.GetCustomerResponse, error) {
	c, err := s.store.GetCustomer(ctx, req.GetCustomerId())
	if err != nil {
		return nil, err
	}
	return &pb.GetCustomerResponse{Customer: customerToProto(c)}, nil
}

// ListCustomers implements CustomerService.
func (s *services) ListCustomers(ctx context.Context, req *pb.ListCustomersRequest) (*pb.ListCustomersResponse, error) {
	q, err := s.pages.query(req, customerFields)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ListCustomers(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListCustomersResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, c := range page.Items {
		resp.Customers = append(resp.Customers, customerToProto(c))
	}
	return resp, nil
}

// UpdateCustomer implements CustomerService.
func (s *services) UpdateCustomer(ctx context.Context, req *pb.UpdateCustomerRequest) (*pb.UpdateCustomerResponse, error) {
	u, err := newUpdate(ctx, req.GetUpdateMask(), req.GetCustomer(), s.customer(ctx, req.GetCustomerId()))
	if err != nil {
		return nil, err
	}
	c, err := s.plane.UpdateCustomer(ctx, u.id, mutation(req, u.base), req.GetAllowMissing(), func(c *ipaas.Customer) error {
		merged := customerToProto(*c)
		u.merge(merged, c.UID == "")
		revision := c.Revision
		*c = customerFromProto(merged)
		c.Revision = revision
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &pb.UpdateCustomerResponse{Customer: customerToProto(c)}, nil
}

// DeleteCustomer implements CustomerService.
func (s *services) DeleteCustomer(ctx context.Context, req *pb.DeleteCustomerRequest) (*pb.DeleteCustomerResponse, error) {
	revision, err := base(req.GetEtag(), s.customer(ctx, req.GetCustomerId()))
	if err != nil {
		return nil, err
	}
	if err := s.plane.DeleteCustomer(ctx, req.GetCustomerId(), mutation(req, revision)); err != nil {
		return nil, err
	}
	return &pb.DeleteCustomerResponse{}, nil
}

func (s *services) customer(ctx context.Context, id string) subject {
	return subject{noun: "customer", id: id, uid: func() (string, error) {
		c, err := s.store.GetCustomer(ctx, id)
		return c.UID, err
	}}
}
