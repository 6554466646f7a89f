package api

import (
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
)

// The bounds of a gRPC connection.
const (
	maxStreams = 250 // calls side by side on one connection
	// minPing is how often a client may ping: more often means that it is broken or means harm.
	minPing = 10 * time.Second
	// pingAfter and pingTimeout find connections whose other end is gone without a word.
	pingAfter   = 2 * time.Minute
	pingTimeout = 20 * time.Second
)

// GRPCServer returns a server with every service, reflection (v1 and v1alpha) and the standard health service, which says SERVING
// for each service and for "" until Drain is called.
func (a *API) GRPCServer() *grpc.Server {
	server := grpc.NewServer(
		grpc.UnaryInterceptor(a.unaryChain()),
		grpc.StreamInterceptor(a.streamChain()),
		grpc.UnknownServiceHandler(unknownMethod),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTimeout}),
	)
	a.register(server)
	for name := range server.GetServiceInfo() {
		a.health.SetServingStatus(name, healthpb.HealthCheckResponse_SERVING)
	}
	healthpb.RegisterHealthServer(server, a.health)
	reflection.Register(server)
	return server
}

// Drain makes the health service say NOT_SERVING and /readyz 503 from now on, so that callers look for another server. Call it
// some moments before the listeners are closed.
func (a *API) Drain() {
	a.draining.Store(true)
	a.health.Shutdown()
}
