package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	if err := run(out); err != nil {
		t.Fatal(err)
	}

	// What each file must declare for our protos to compile against it.
	want := map[string]string{
		"buf/validate/validate.proto":                    "extend google.protobuf.FieldOptions",
		"google/api/annotations.proto":                   "HttpRule http",
		"google/api/field_behavior.proto":                "enum FieldBehavior",
		"google/api/field_info.proto":                    "message FieldInfo",
		"google/api/http.proto":                          "message HttpRule",
		"google/api/httpbody.proto":                      "message HttpBody",
		"google/rpc/code.proto":                          "enum Code",
		"google/rpc/error_details.proto":                 "message ErrorInfo",
		"google/rpc/status.proto":                        "message Status",
		"protoc-gen-openapiv2/options/annotations.proto": "openapiv2_swagger",
		"protoc-gen-openapiv2/options/openapiv2.proto":   "message Swagger",
	}
	for path, declaration := range want {
		text, err := os.ReadFile(filepath.Join(out, filepath.FromSlash(path)))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(text), declaration) {
			t.Errorf("%s does not declare %q", path, declaration)
		}
	}

	if _, err := os.Stat(filepath.Join(out, "google", "protobuf")); !os.IsNotExist(err) {
		t.Errorf("the well-known types were printed too (stat: %v); buf brings its own", err)
	}
}

func TestRunWithoutOutput(t *testing.T) {
	t.Parallel()
	err := run("")
	if err == nil || !strings.Contains(err.Error(), "-out") {
		t.Errorf("got error %v, want one that names -out", err)
	}
}
