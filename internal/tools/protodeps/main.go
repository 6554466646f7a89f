// Command protodeps writes the text of the third-party .proto files that our own ones import.
//
// The files are printed from the descriptors linked into the Go packages below. So they always match the versions in go.mod,
// no foreign source lives in the repository, and buf needs no registry. Linked descriptors carry no comments; nothing here needs them.
//
// It must not know our own protos: it runs before they are generated.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	// Each package registers its descriptors when it is linked.
	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	_ "github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2/options"
	"github.com/jhump/protoreflect/v2/protoprint"
	_ "google.golang.org/genproto/googleapis/api/annotations" // also http, client, field_behavior, field_info, resource
	_ "google.golang.org/genproto/googleapis/api/httpbody"
	_ "google.golang.org/genproto/googleapis/rpc/code"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	_ "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

func main() {
	out := flag.String("out", "", "directory to write the .proto tree to (created; existing files are overwritten)")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "protodeps:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	if out == "" {
		return fmt.Errorf("no output directory: pass -out")
	}
	var err error
	protoregistry.GlobalFiles.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		if !builtIn(fd.Path()) {
			err = write(out, fd)
		}
		return err == nil
	})
	return err
}

// builtIn reports whether buf brings the file itself: the well-known types are compiled into it.
func builtIn(path string) bool {
	return strings.HasPrefix(path, "google/protobuf/")
}

func write(out string, fd protoreflect.FileDescriptor) error {
	var printer protoprint.Printer
	text, err := printer.PrintProtoToString(fd)
	if err != nil {
		return fmt.Errorf("print %s: %w", fd.Path(), err)
	}
	path := filepath.Join(out, filepath.FromSlash(fd.Path()))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
