// Package client is the Go SDK of Headrace: a connection to a server with every service of its API on it, and methods for what
// callers write again and again - walking over pages, deploying, following an execution, reading errors.
//
// It knows the API (proto/gen) and nothing of the server behind it. The messages are those of the API; the services are the
// generated gRPC clients, so whatever those methods do not cover is one field away:
//
//	c, err := client.Dial("127.0.0.1:9090")
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	res, err := c.Deploy(ctx, "smith-acme", client.DeployOptions{})
//
// Calls that fail because the server cannot be reached, or says that it is unavailable, are repeated a few times. Every change
// carries a request id, made here where the caller chose none, so that a repeated call takes effect once.
package client

import (
	"crypto/tls"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// maxMessage bounds an answer: an execution with all its step results can be large.
const maxMessage = 64 << 20

// Client is a connection to a Headrace server. It may be used by many goroutines at once.
type Client struct {
	// Components is the catalogue of components.
	Components headracev1.ComponentServiceClient
	// Integrations keeps the drafts of integrations and publishes them.
	Integrations headracev1.IntegrationServiceClient
	// Flows changes and tests the flows of drafts.
	Flows headracev1.FlowServiceClient
	// ConfigVariables changes the config variables of drafts.
	ConfigVariables headracev1.ConfigVariableServiceClient
	// Versions reads the published versions of integrations.
	Versions headracev1.IntegrationVersionServiceClient
	// TestInstances keeps the test instance of each integration.
	TestInstances headracev1.TestInstanceServiceClient
	// Customers keeps the customers.
	Customers headracev1.CustomerServiceClient
	// Instances configures, deploys and removes instances.
	Instances headracev1.InstanceServiceClient
	// FlowKeys keeps the keys with which callers are let in at flows' URLs.
	FlowKeys headracev1.FlowKeyServiceClient
	// Deployments reads the history of deployments.
	Deployments headracev1.DeploymentServiceClient
	// CleanupDebts keeps what other systems did not let go of.
	CleanupDebts headracev1.CleanupDebtServiceClient
	// State is what flows keep beyond their executions.
	State headracev1.StateServiceClient
	// Upgrades moves many instances to another version.
	Upgrades headracev1.UpgradeServiceClient
	// Executions reads executions, their step results and logs.
	Executions headracev1.ExecutionServiceClient

	close func() error
}

// Dial makes a client of the server at target, which is host:port or any other name gRPC resolves. Nothing is sent before the
// first call: a server that is not there shows as an error of that call, which Unreachable recognises.
//
// Without WithTLS or WithCA the connection is plain text. A token is then refused unless the server is on this machine, or
// WithInsecure allows it.
func Dial(target string, opts ...Option) (*Client, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	dial, err := o.dial(target)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(target, dial...)
	if err != nil {
		return nil, fmt.Errorf("server address %q: %w", target, err)
	}
	return newClient(conn, conn.Close), nil
}

// Over makes a client of what stands behind a connection that is there already. Closing the client does not close the connection.
func Over(conn grpc.ClientConnInterface) *Client {
	return newClient(conn, func() error { return nil })
}

// Close ends the connection. Calls that still run fail.
func (c *Client) Close() error { return c.close() }

func newClient(conn grpc.ClientConnInterface, closing func() error) *Client {
	return &Client{
		Components:      headracev1.NewComponentServiceClient(conn),
		Integrations:    headracev1.NewIntegrationServiceClient(conn),
		Flows:           headracev1.NewFlowServiceClient(conn),
		ConfigVariables: headracev1.NewConfigVariableServiceClient(conn),
		Versions:        headracev1.NewIntegrationVersionServiceClient(conn),
		TestInstances:   headracev1.NewTestInstanceServiceClient(conn),
		Customers:       headracev1.NewCustomerServiceClient(conn),
		Instances:       headracev1.NewInstanceServiceClient(conn),
		FlowKeys:        headracev1.NewFlowKeyServiceClient(conn),
		Deployments:     headracev1.NewDeploymentServiceClient(conn),
		CleanupDebts:    headracev1.NewCleanupDebtServiceClient(conn),
		State:           headracev1.NewStateServiceClient(conn),
		Upgrades:        headracev1.NewUpgradeServiceClient(conn),
		Executions:      headracev1.NewExecutionServiceClient(conn),
		close:           closing,
	}
}

// dial turns the options into those of gRPC.
func (o *options) dial(target string) ([]grpc.DialOption, error) {
	secure, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport(secure)),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithUserAgent("headrace-client"),
		grpc.WithChainUnaryInterceptor(bounded(o.timeout), identified, traced),
	}
	if o.token == "" {
		return dial, nil
	}
	if err := checkToken(o.token); err != nil {
		return nil, err
	}
	if secure == nil && !o.insecure && !onThisMachine(target) {
		return nil, fmt.Errorf("the token would travel to %q as plain text: use TLS, or say that the way there is safe", target)
	}
	return append(dial, grpc.WithPerRPCCredentials(bearer(o.token))), nil
}

func transport(secure *tls.Config) credentials.TransportCredentials {
	if secure == nil {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(secure)
}
