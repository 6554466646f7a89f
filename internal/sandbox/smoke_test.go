package sandbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/value"
)

func TestSmoke(t *testing.T) {
	p, err := sandbox.New(sandbox.Options{Timeout: 2 * time.Second}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, code := range []string{
		"module.exports = async (context, stepResults) => ({data: {a: 1, b: Object.keys(context), f: Object.groupBy([1,2,3], x => x % 2 ? 'odd' : 'even')}})",
		"return {z: 1, a: Buffer.from('hällo').toString('base64'), u: new URL('/x?a=1', 'https://bücher.example/y').href, d: new Date(1e12).toLocaleDateString('en-US', {month:'long'})}",
		"\n\n  let x = ;",
		"let x = ;",
		"throw new TypeError('boo')",
		"\nnull.x",
		"for(;;);",
		"await new Promise(() => {})",
		"await new Promise((r) => setTimeout(r, 50)); return 'slept'",
		"let a=[];for(;;)a.push(1)",
		"return require('axios')",
		"return require('crypto').createHmac('sha256', 'k').update('x').digest('hex')",
		"console.log('Setup complete', {a:1});",
	} {
		st := time.Now()
		r, err := p.Run(context.Background(), sandbox.Script{Tenant: "a", Form: sandbox.Step, Code: code, Log: func(l sandbox.Level, m string) { fmt.Println("LOG", l, m) }})
		fmt.Println(time.Since(st), string(value.JSON(r.Data)), err)
	}
}
