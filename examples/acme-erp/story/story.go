// Package story plays the tutorial from its first import to the last clean-up, against a running server and the two systems it
// joins, and checks everything it says. The demonstration prints it, the story test logs it.
//
// It must not know anything of Headrace but its public interfaces: the Go SDK, REST, and the webhook URLs that the API shows.
// What the systems did, it reads from the systems.
package story

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// World is where the story plays: a server with an empty database, and systems that nobody has used yet.
type World struct {
	GRPC string // host:port
	REST string // the base URL, as http://127.0.0.1:8080

	ERP      System // the Acme ERP of Smith Rockets, on which the developers test, too
	OtherERP System // the one of Jones Anvils
	Progix   System

	Definitions fs.FS // component.yaml and integration.yaml
}

// System is a system that the integration talks to.
type System struct {
	URL string // the base URL
	Key string // what it lets callers in for
}

// Teller is told what happens while it happens. Texts are formats and arguments of fmt.
type Teller interface {
	// Scene begins a scene.
	Scene(number int, title string)
	// Say tells what happens next and why it matters.
	Say(format string, args ...any)
	// Show shows what there is to be seen. The first row is the head, unless it is nil.
	Show(label string, rows ...[]string)
	// Check tells of an expectation that was met.
	Check(format string, args ...any)
}

// scenes are the story in its order.
var scenes = []struct {
	title string
	play  func(*play, context.Context) error
}{
	{"An integration is described", (*play).describe},
	{"One flow is tested, and no other runs", (*play).tryFlow},
	{"The initialization is tested", (*play).tryInitialization},
	{"The draft is published", (*play).publish},
	{"A customer fills in the wizard", (*play).configure},
	{"The instance is deployed", (*play).deploy},
	{"Acme ERP has news", (*play).hear},
	{"A setting changes", (*play).reconfigure},
	{"A second customer comes", (*play).secondCustomer},
	{"Acme ERP fails in the middle of a deployment", (*play).failAndRecover},
	{"A pause", (*play).pause},
	{"Everything is taken down", (*play).takeDown},
}

// Play plays the story. The error says what was expected and what came instead.
func Play(ctx context.Context, world World, tell Teller) (err error) {
	api, err := client.Dial(world.GRPC)
	if err != nil {
		return err
	}
	p := newPlay(world, tell, api)
	defer func() {
		p.http.CloseIdleConnections()
		err = errors.Join(err, api.Close())
	}()
	for i, scene := range scenes {
		tell.Scene(i+1, scene.title)
		if err := scene.play(p, ctx); err != nil {
			return fmt.Errorf("scene %d, %q: %w", i+1, scene.title, err)
		}
	}
	return nil
}

// The names of the tutorial's flows and config variables, as integration.yaml has them.
const (
	customerFlow   = "Sync Customer Data"
	inventoryFlow  = "Sync Inventory Data"
	initialization = "Initialization"

	connectionVariable = "Acme ERP Connection"
	urlVariable        = "Progix URL"
	tokenVariable      = "Progix Token"
	sourceVariable     = "Source Name"
)

// The events of Acme ERP, by the flow that wants to hear of them.
var events = map[string]string{customerFlow: "customer.updated", inventoryFlow: "inventory.updated"}

// flowNames are the flows in their order.
var flowNames = []string{customerFlow, inventoryFlow, initialization}

// What starts executions, in names short enough for the scenes.
const (
	byWebhook = headracev1.Execution_INVOKE_TYPE_WEBHOOK
	byTest    = headracev1.Execution_INVOKE_TYPE_TEST
	byDeploy  = headracev1.Execution_INVOKE_TYPE_INSTANCE_DEPLOY
)
