package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// Options is what the API is made of. Plane and Store must be set.
type Options struct {
	Plane  *control.Plane
	Store  storage.Store
	Logger *slog.Logger // nil: slog.Default
	// PageTokenKey signs page tokens. Machines that serve the same callers need the same key; nil: a random one, so that tokens
	// do not outlive the process.
	PageTokenKey []byte
	Version      string // of the server, for the API page
}

// API serves the contract over gRPC and over HTTP.
type API struct {
	plane   *control.Plane
	store   storage.Store
	logger  *slog.Logger
	pages   pager
	rules   rules
	version string

	health   *health.Server
	draining atomic.Bool
}

// New returns an API. It listens nowhere: GRPCServer and Handler are handed to listeners by the caller.
func New(o Options) *API {
	a := &API{
		plane: o.Plane, store: o.Store, logger: o.Logger, pages: pager{o.PageTokenKey}, rules: newRules(), version: o.Version,
		health: health.NewServer(),
	}
	if a.logger == nil {
		a.logger = slog.Default()
	}
	if len(a.pages.key) == 0 {
		a.pages.key = make([]byte, 32)
		// It never fails: where there is no randomness the program ends.
		_, _ = rand.Read(a.pages.key)
	}
	return a
}

// maxMessage is the most bytes of a request, over gRPC and over HTTP.
const maxMessage = 4 << 20

// services implements every service of the contract: one file per noun holds its methods.
type services struct {
	*API
	pb.UnimplementedComponentServiceServer
	pb.UnimplementedIntegrationServiceServer
	pb.UnimplementedFlowServiceServer
	pb.UnimplementedConfigVariableServiceServer
	pb.UnimplementedIntegrationVersionServiceServer
	pb.UnimplementedTestInstanceServiceServer
	pb.UnimplementedCustomerServiceServer
	pb.UnimplementedInstanceServiceServer
	pb.UnimplementedFlowKeyServiceServer
	pb.UnimplementedDeploymentServiceServer
	pb.UnimplementedCleanupDebtServiceServer
	pb.UnimplementedUpgradeServiceServer
	pb.UnimplementedExecutionServiceServer
	pb.UnimplementedStateServiceServer
}

// register registers all services, with a gRPC server or with the gateway's channel.
func (a *API) register(r grpc.ServiceRegistrar) {
	s := &services{API: a}
	pb.RegisterComponentServiceServer(r, s)
	pb.RegisterIntegrationServiceServer(r, s)
	pb.RegisterFlowServiceServer(r, s)
	pb.RegisterConfigVariableServiceServer(r, s)
	pb.RegisterIntegrationVersionServiceServer(r, s)
	pb.RegisterTestInstanceServiceServer(r, s)
	pb.RegisterCustomerServiceServer(r, s)
	pb.RegisterInstanceServiceServer(r, s)
	pb.RegisterFlowKeyServiceServer(r, s)
	pb.RegisterDeploymentServiceServer(r, s)
	pb.RegisterCleanupDebtServiceServer(r, s)
	pb.RegisterUpgradeServiceServer(r, s)
	pb.RegisterExecutionServiceServer(r, s)
	pb.RegisterStateServiceServer(r, s)
}

// ready reports whether calls can be served.
func (a *API) ready(ctx context.Context) error {
	if a.draining.Load() {
		return &ipaas.Error{Kind: ipaas.Unavailable, Reason: ipaas.ReasonShuttingDown, Message: "the server is shutting down"}
	}
	return a.plane.Ready(ctx)
}
