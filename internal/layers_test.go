// Package internal_test holds the architecture of the module as a table: who may import whom.
//
// Read it from top to bottom: leaves first, faces last. A package may import only what its row lists,
// and a row may list only rows above it, so every arrow points the same way and none can close a circle.
package internal_test

import (
	"os"
	"testing"
)

// architecture has a row for every package of the module. Names are below the module's root, and those that do not begin
// with proto, server, client or examples are below internal/. A row may stand here before its package exists.
//
//	imports   what the package may import of this module
//	tests     what its tests may import beside that, and beside the package itself
var architecture = []row{
	// The wire: generated from proto/headrace/v1. One row for all that lies below.
	{pkg: "proto/gen"},
	{pkg: "proto"}, // the OpenAPI document, embedded

	// Fails tests that leave goroutines behind.
	{pkg: "leaktest"},

	// Leaves: they know values, and nothing of the product.
	{pkg: "value"},
	{pkg: "expr", imports: "value"},                       // references and templates
	{pkg: "format", imports: "value", tests: "leaktest"},  // XML, YAML, CSV and their like
	{pkg: "liquid", imports: "value", tests: "leaktest"},  // Liquid templates
	{pkg: "secret", imports: "value"},                     // sealing and redacting
	{pkg: "sandbox", imports: "value", tests: "leaktest"}, // untrusted JavaScript, in processes of its own
	{pkg: "outbound", tests: "leaktest"},                  // the guarded way out
	{pkg: "fault"},                                        // places where tests break things
	{pkg: "turn"},                                         // one after another, by key
	{pkg: "cache"},                                        // what never changes, found by what it is made of

	// The nouns of the field and their own rules.
	{pkg: "ipaas", imports: "value expr"},

	// Definitions in the words of others. Only the API, which reads files, calls it: behind that there is one vocabulary.
	{pkg: "prismatic", imports: "ipaas value expr"},

	// What a component is, and those we ship.
	{pkg: "component", imports: "ipaas value expr format outbound sandbox", tests: "leaktest"},
	{pkg: "component/builtin", imports: "component ipaas value expr format liquid outbound sandbox", tests: "leaktest"},
	{pkg: "component/declarative", imports: "component ipaas value expr outbound", tests: "leaktest"},

	// The store: the contract, the suite that proves it, the SQL.
	{pkg: "storage", imports: "ipaas"},
	{pkg: "storage/storagetest", imports: "storage ipaas"},
	{pkg: "storage/sqldb/pagesum", tests: "leaktest"}, // sums of pages, below the SQL
	{pkg: "storage/sqldb", imports: "storage ipaas fault storage/sqldb/pagesum", tests: "storage/storagetest leaktest"},
	{pkg: "storage/sqldb/sqldbtest", imports: "storage/sqldb"}, // an empty store for the tests of those above

	// The engine runs one flow. It cannot reach storage, so a flow can never hold a transaction open.
	{pkg: "engine", imports: "component ipaas expr value", tests: "leaktest"},

	// What the plane decides with. None of them knows a use case.
	{pkg: "catalogue", imports: "engine component component/declarative storage ipaas value cache"}, // the components there are
	{pkg: "config", imports: "engine component ipaas secret value cache"},                           // an instance's config made ready
	{pkg: "access", imports: "storage ipaas secret"},                                                // how flows are reached: their URLs and keys
	{pkg: "trigger", imports: "storage ipaas format secret value"},                                  // what flows see of what started them
	{pkg: "state", imports: "component storage ipaas secret value"},                                 // what flows keep
	{pkg: "rehearsal", imports: "access engine ipaas outbound secret value"},                        // what stands in for the world in tests
	{
		// What flows created elsewhere, and how it is undone.
		pkg:     "ledger",
		imports: "catalogue config access component storage ipaas secret outbound value fault turn",
	},

	// The plane decides: the use cases.
	{
		pkg: "control",
		imports: "catalogue config access trigger state rehearsal ledger engine component component/declarative storage ipaas " +
			"format secret outbound value fault sandbox cache turn",
		tests: "component/builtin storage/sqldb storage/sqldb/sqldbtest examples/acme-erp/fake leaktest",
	},

	// Faces: gRPC with REST, webhooks, and the program that wires everything.
	{
		pkg:     "server/api",
		imports: "control config rehearsal storage ipaas prismatic value proto proto/gen",
		tests:   "component/builtin storage/sqldb storage/sqldb/sqldbtest secret outbound leaktest",
	},
	{
		pkg:     "server/webhook",
		imports: "control ipaas fault",
		tests:   "component component/builtin config storage/sqldb storage/sqldb/sqldbtest secret outbound leaktest",
	},
	{
		// What the program and a test of flows without one are put together from.
		pkg:     "server/assembly",
		imports: "server/api control component component/builtin storage storage/sqldb secret outbound",
		tests:   "client proto/gen leaktest",
	},
	{
		pkg: "server",
		imports: "server/api server/assembly server/webhook control component component/builtin storage storage/sqldb ipaas secret outbound " +
			"fault sandbox",
		tests: "client proto/gen examples/acme-erp/story examples/acme-erp/fake leaktest",
	},
	{
		// Takes real definitions of another product through import, runs and deployments.
		pkg:   "server/compat",
		tests: "client proto/gen server/assembly server/webhook sandbox component/builtin secret storage/sqldb storage/sqldb/sqldbtest leaktest",
	},
	{
		// Breaks the program from outside.
		pkg:   "server/faults",
		tests: "client proto/gen fault examples/acme-erp/fake storage storage/sqldb ipaas",
	},

	// Callers know the wire and nothing behind it. The CLI has a server of its own to test flows offline, and reaches that by the wire, too.
	{pkg: "client", imports: "proto/gen", tests: "leaktest"},
	{pkg: "client/headrace", imports: "client proto/gen server/assembly sandbox", tests: "leaktest"},

	// The tutorial: the two systems it joins, the story told through the client, the demonstration.
	{pkg: "examples/acme-erp/fake", tests: "leaktest"},
	{pkg: "examples/acme-erp/fake-acme-erp", imports: "examples/acme-erp/fake"},
	{pkg: "examples/acme-erp/fake-progix", imports: "examples/acme-erp/fake"},
	{pkg: "examples/acme-erp/story", imports: "client proto/gen examples/acme-erp/fake"},
	{pkg: "examples/acme-erp/demo", imports: "examples/acme-erp/story"},

	// Workshop: no part of the product.
	{pkg: "internal"}, // these tests
	{pkg: "tools/protodeps"},
	{pkg: "tools/coverfloor"},
	{pkg: "tools/figures"},
	{pkg: "tools/catalogue", imports: "component component/builtin ipaas"}, // describes what is shipped
}

// borders keeps foreign packages out of places where they would undo the design.
// A name stands for itself and all below it, "x/*" only for what is below.
var borders = []border{
	{
		foreign: "google.golang.org/grpc google.golang.org/protobuf google.golang.org/genproto github.com/grpc-ecosystem/grpc-gateway " +
			"github.com/fullstorydev/grpchan connectrpc.com/connect buf.build/gen buf.build/go",
		within:  "internal",
		except:  "tools/protodeps",
		because: "only the faces know the wire, so the wire can change alone",
	},
	{
		foreign: "github.com/gorilla/mux github.com/go-chi/chi github.com/julienschmidt/httprouter " +
			"github.com/labstack/echo github.com/gin-gonic/gin github.com/gofiber/fiber",
		within:  "internal",
		because: "requests are routed by the faces",
	},
	{
		foreign: "net/http", exact: true,
		within:  "internal",
		except:  "outbound component",
		inTests: true, // a test may well serve HTTP to the code under test
		because: "components call out through internal/outbound; nothing else inside speaks HTTP",
	},
	{
		foreign: "os/exec",
		within:  "internal",
		except:  "sandbox",
		inTests: true, // a test may kill and restart itself
		because: "only the sandbox starts processes",
	},
}

// wayOut is the one package of the server that opens connections to the world, because it guards the addresses.
// Nothing else in internal/ and server/ may use what would go around it.
const wayOut = "outbound"

// TestLayers checks every package of this module, test files and files of other platforms included.
func TestLayers(t *testing.T) {
	t.Parallel()
	files, err := readModule(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	if !seen(files, "internal") {
		t.Fatal("the walk did not even find this test: nothing was checked")
	}
	for _, culprit := range check(files, architecture, borders) {
		t.Error(culprit)
	}
}

// TestTableRunsDownward checks the table itself.
func TestTableRunsDownward(t *testing.T) {
	t.Parallel()
	for _, culprit := range checkTable(architecture) {
		t.Error(culprit)
	}
}
