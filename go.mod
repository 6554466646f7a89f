module github.com/headrace/headrace

go 1.26.0

require (
	buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go v1.36.12-20260825204119-511051f7f437.1 // the rules protos are annotated with; Apache-2.0
	buf.build/go/protovalidate v1.4.0 // checks requests by those rules; Apache-2.0
	code.dny.dev/ssrf v0.3.0 // tells private addresses at dial time; MIT
	github.com/Shopify/toxiproxy/v2 v2.5.0 // tests: a network that loses answers; MIT
	github.com/alecthomas/kong v1.17.0 // flags and environment of the programs; MIT
	github.com/antchfx/xpath v1.3.9 // XPath over XML; MIT
	github.com/cockroachdb/apd/v3 v3.2.3 // exact decimals: 0.1 + 0.2 = 0.3; Apache-2.0
	github.com/elastic/go-seccomp-bpf v1.6.0 // the system calls that processes for scripts are left; Apache-2.0
	github.com/fullstorydev/grpchan v1.1.2 // the gateway reaches the services in process, with their interceptors; MIT
	github.com/google/go-cmp v0.7.0 // tests: differences; BSD-3-Clause
	github.com/google/uuid v1.6.0 // UUIDs that flows ask for; BSD-3-Clause
	github.com/grpc-ecosystem/grpc-gateway/v2 v2.33.0 // REST and OpenAPI out of the protos; BSD-3-Clause
	github.com/jhump/protoreflect/v2 v2.0.0 // workshop: prints third-party protos; Apache-2.0
	github.com/mattn/go-isatty v0.0.24 // colour only where a person looks; MIT
	github.com/nlnwa/whatwg-url v0.6.2 // URL for scripts, as browsers read them; Apache-2.0
	github.com/oklog/ulid/v2 v2.1.2 // ids that sort by birth; Apache-2.0
	github.com/pressly/goose/v3 v3.29.0 // migrations; MIT
	github.com/robfig/cron/v3 v3.0.1 // when cron expressions fire; MIT
	github.com/rs/zerolog v1.28.0 // tests: keeps toxiproxy silent; MIT
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // JSON schemas of all drafts; Apache-2.0
	github.com/vmihailenco/msgpack/v5 v5.4.1 // MessagePack; BSD-2-Clause
	go.einride.tech/aip v0.86.3 // filters, orders and field masks of the AIPs; MIT
	go.uber.org/goleak v1.3.0 // tests: goroutines left behind; MIT
	go.yaml.in/yaml/v3 v3.0.5 // tests: real definitions; the gateway's generator needs it too; MIT and Apache-2.0
	go.yaml.in/yaml/v4 v4.0.0 // YAML definitions, read as a tree; MIT and Apache-2.0
	golang.org/x/crypto v0.58.0 // hashes that other systems still ask for; BSD-3-Clause
	golang.org/x/net v0.62.0 // host names as browsers read them; HTML and encodings of text; BSD-3-Clause
	golang.org/x/sys v0.49.0 // the lock on the database file, and on processes for scripts; BSD-3-Clause
	golang.org/x/text v0.43.0 // capitals of other languages; words for what violates a schema; BSD-3-Clause
	google.golang.org/genproto/googleapis/api v0.0.0-20261104224025-d1e00e9f33ab // HTTP annotations; Apache-2.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261104224025-d1e00e9f33ab // error details; Apache-2.0
	google.golang.org/grpc v1.85.0 // fixed by the owner; Apache-2.0
	google.golang.org/protobuf v1.36.12 // with gRPC; BSD-3-Clause
	modernc.org/libc v1.80.1 // what SQLite without cgo calls its VFS with; BSD-3-Clause
	modernc.org/quickjs v0.27.0 // JavaScript of code steps, without cgo; BSD-3-Clause and MIT
	modernc.org/sqlite v1.62.0 // fixed by the owner: SQLite without cgo; BSD-3-Clause
	pgregory.net/rapid v1.3.0 // tests: properties; MPL-2.0
)

require (
	cel.dev/cel-go v0.32.0 // indirect
	cel.dev/expr v0.25.3 // indirect
	github.com/antlr4-go/antlr/v4 v4.13.1 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/bits-and-blooms/bitset v1.20.0 // indirect
	github.com/bufbuild/protocompile v0.14.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/golang/protobuf v1.5.4 // indirect
	github.com/gorilla/mux v1.8.0 // indirect
	github.com/jhump/protoreflect v1.17.1-0.20240913204751-8f5fd1dcb3c5 // indirect
	github.com/mattn/go-colorable v0.1.13 // indirect
	github.com/matttproud/golang_protobuf_extensions v1.0.1 // indirect
	github.com/mfridman/interpolate v0.0.2 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/prometheus/client_golang v1.13.0 // indirect
	github.com/prometheus/client_model v0.2.0 // indirect
	github.com/prometheus/common v0.37.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/rs/xid v1.4.0 // indirect
	github.com/sethvargo/go-retry v0.5.0 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.uber.org/multierr v1.11.0 // indirect
	golang.org/x/exp v0.0.0-20261014143641-f0251eb4aa3e // indirect
	golang.org/x/sync v0.24.0 // indirect
	google.golang.org/grpc/cmd/protoc-gen-go-grpc v1.6.2 // indirect
	gopkg.in/tomb.v1 v1.0.0-20141024135613-dd632973f1e7 // indirect
	modernc.org/libquickjs v0.14.0 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

tool (
	github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-grpc-gateway
	github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2
	google.golang.org/grpc/cmd/protoc-gen-go-grpc
	google.golang.org/protobuf/cmd/protoc-gen-go
)
