package internal_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestCheckNamesTheCulprit proves that the checker can fail: each case is a small module with one trespass.
func TestCheckNamesTheCulprit(t *testing.T) {
	t.Parallel()
	rows := []row{
		{pkg: "proto/gen"},
		{pkg: "outbound"},
		{pkg: "sandbox"},
		{pkg: "expr"},
		{pkg: "ipaas", imports: "expr"},
		{pkg: "component", imports: "ipaas"},
		{pkg: "component/builtin", imports: "component"},
		{pkg: "storage", imports: "ipaas", tests: "expr"},
		{pkg: "server/api", imports: "ipaas proto/gen"},
	}
	const wire = "proto/gen/headrace/v1"
	cases := []struct {
		name string
		file string
		text string
		want string // "" for none
	}{
		{
			"arrow up", "internal/expr/tree.go", imports("internal/storage"),
			"internal/expr may not import internal/storage (internal/expr/tree.go)",
		},
		{
			"arrow past a floor", "internal/storage/store.go", imports("internal/expr"),
			"internal/storage may not import internal/expr (internal/storage/store.go)",
		},
		{"arrow in the table", "internal/ipaas/flow.go", imports("internal/expr"), ""},
		{
			"arrow on another platform", "internal/expr/tree_windows.go", "//go:build windows\n\n" + imports("internal/ipaas"),
			"internal/expr may not import internal/ipaas (internal/expr/tree_windows.go)",
		},
		{
			"arrow of a test", "internal/ipaas/flow_test.go", imports("internal/storage"),
			"a test of internal/ipaas may not import internal/storage (internal/ipaas/flow_test.go)",
		},
		{"arrow allowed to tests", "internal/storage/store_test.go", imports("internal/expr", "internal/storage"), ""},
		{"module root", "internal/expr/tree.go", imports(""), "internal/expr may not import . (internal/expr/tree.go)"},
		{
			"unknown package", "internal/util/util.go", "package util",
			"internal/util is unknown: give it a row in this table (internal/layers_test.go)",
		},
		{
			"unknown package with only a test", "internal/util/util_test.go", "package util",
			"internal/util is unknown: give it a row in this table (internal/layers_test.go)",
		},

		{"wire in the face", "server/api/flow.go", imports(wire), ""},
		{
			"wire inside", "internal/ipaas/flow.go", imports(wire),
			"internal/ipaas may not import proto/gen (internal/ipaas/flow.go)",
		},
		{"generated code is free", wire + "/flow.pb.go", imports("internal/storage") + `; import _ "google.golang.org/grpc"`, ""},
		{
			"grpc inside", "internal/ipaas/error.go", `package p; import _ "google.golang.org/grpc/codes"`,
			"internal/ipaas may not import google.golang.org/grpc/codes: only the faces know the wire, so the wire can change alone (internal/ipaas/error.go)",
		},
		{
			"grpc in a test inside", "internal/ipaas/error_test.go", `package p; import _ "google.golang.org/grpc/codes"`,
			"a test of internal/ipaas may not import google.golang.org/grpc/codes: only the faces know the wire, so the wire can change alone (internal/ipaas/error_test.go)",
		},
		{"grpc's namesake", "internal/ipaas/error.go", `package p; import _ "google.golang.org/grpcish"`, ""},
		{
			"router inside", "internal/component/hook.go", `package p; import _ "github.com/go-chi/chi/v5"`,
			"internal/component may not import github.com/go-chi/chi/v5: requests are routed by the faces (internal/component/hook.go)",
		},

		{"http in a component", "internal/component/builtin/http.go", `package p; import _ "net/http"`, ""},
		{
			"http elsewhere inside", "internal/storage/store.go", `package p; import _ "net/http"`,
			"internal/storage may not import net/http: components call out through internal/outbound; nothing else inside speaks HTTP (internal/storage/store.go)",
		},
		{"http in a test", "internal/storage/store_test.go", `package p; import _ "net/http"`, ""},
		{
			"process inside", "internal/component/code.go", `package p; import _ "os/exec"`,
			"internal/component may not import os/exec: only the sandbox starts processes (internal/component/code.go)",
		},
		{"process in the sandbox", "internal/sandbox/child.go", `package p; import _ "os/exec"`, ""},

		{
			"default client", "internal/component/builtin/http.go", `package p; import "net/http"; var c = http.DefaultClient`,
			mayNotUse("internal/component/builtin", "http.DefaultClient", "http.go"),
		},
		{
			"default client renamed", "internal/component/builtin/http.go", `package p; import web "net/http"; var c = web.DefaultClient`,
			mayNotUse("internal/component/builtin", "http.DefaultClient", "http.go"),
		},
		{
			"dot import", "internal/component/builtin/http.go", `package p; import . "net/http"; var c = DefaultClient`,
			mayNotUse("internal/component/builtin", "http by a dot import", "http.go"),
		},
		{
			"get in a face", "server/api/gateway.go", `package p; import "net/http"; func f() { http.Get("https://example.com") }`,
			mayNotUse("server/api", "http.Get", "gateway.go"),
		},
		{
			"dial", "internal/component/builtin/tcp.go", `package p; import "net"; func f() { net.Dial("tcp", "example.com:1") }`,
			mayNotUse("internal/component/builtin", "net.Dial", "tcp.go"),
		},
		{
			"client made by hand", "internal/component/builtin/http.go", `package p; import "net/http"; var c = &http.Client{}`,
			mayNotUse("internal/component/builtin", "http.Client", "http.go"),
		},
		{
			"client made by new", "internal/component/builtin/http.go", `package p; import "net/http"; var c = new(http.Client)`,
			mayNotUse("internal/component/builtin", "http.Client", "http.go"),
		},
		{
			"client declared", "internal/component/builtin/http.go", `package p; import "net/http"; var c http.Client`,
			mayNotUse("internal/component/builtin", "http.Client", "http.go"),
		},
		{"client handed in", "internal/component/builtin/http.go", `package p; import "net/http"; func f(*http.Client) {}`, ""},
		{"client in the way out", "internal/outbound/client.go", `package p; import "net/http"; var c = http.DefaultClient`, ""},
		{"default client in a test", "server/api/api_test.go", `package p; import "net/http"; var c = http.DefaultClient`, ""},

		{"test data", "internal/expr/testdata/x.go", imports("internal/storage"), ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files, err := readModule(fstest.MapFS{c.file: {Data: []byte(c.text)}})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(check(files, rows, borders), "\n")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("culprits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckTableNamesTheCulprit(t *testing.T) {
	t.Parallel()
	got := checkTable([]row{
		{pkg: "expr", imports: "ipaas"},
		{pkg: "ipaas", imports: "expr ipaas", tests: "server valeu"},
		{pkg: "server"},
		{pkg: "expr"},
	})
	want := []string{
		"internal/expr lists internal/ipaas, which has no row above it",
		"internal/ipaas lists internal/ipaas, which has no row above it",
		"the tests of internal/ipaas list internal/valeu, which has no row",
		"internal/expr has two rows",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("culprits (-want +got):\n%s", diff)
	}
}

func TestReadModuleLeavesNestedModulesOut(t *testing.T) {
	t.Parallel()
	files, err := readModule(fstest.MapFS{
		"main.go":              {Data: []byte("package main")},
		"tools/lint/go.mod":    {Data: []byte("module lint")},
		"tools/lint/lint.go":   {Data: []byte("package lint")},
		".build/third/x.go":    {Data: []byte("package third")},
		"_attic/old.go":        {Data: []byte("package old")},
		"server/README.md":     {Data: []byte("not Go")},
		"server/api/flow.go":   {Data: []byte("package api")},
		"vendor/dep/dep.go":    {Data: []byte("package dep")},
		"server/testdata/x.go": {Data: []byte("broken on purpose")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.path)
	}
	if diff := cmp.Diff([]string{"main.go", "server/api/flow.go"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestReadModuleRefusesBrokenCode(t *testing.T) {
	t.Parallel()
	_, err := readModule(fstest.MapFS{"internal/expr/tree.go": {Data: []byte("packag expr")}})
	if err == nil || !strings.Contains(err.Error(), "internal/expr/tree.go") {
		t.Errorf("got error %v, want one that names the file", err)
	}
}

// imports is a Go file that imports these packages of the module.
func imports(pkgs ...string) string {
	text := "package p"
	for _, pkg := range pkgs {
		text += "\nimport _ \"" + strings.TrimSuffix(module+"/"+pkg, "/") + "\""
	}
	return text
}

func mayNotUse(pkg, what, base string) string {
	return pkg + " may not use " + what + ": connections to the world are opened by internal/outbound (" + pkg + "/" + base + ")"
}
