package client_test

import (
	"context"
	"fmt"
	"os"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func Example() {
	if err := importDraft(context.Background(), "integration.yaml"); err != nil {
		fmt.Println(client.Message(err))
		for _, v := range client.Violations(err) {
			fmt.Println(" ", v.Field, v.Description)
		}
	}
}

func importDraft(ctx context.Context, file string) error {
	c, err := client.Dial("127.0.0.1:9090", client.WithToken(os.Getenv("HEADRACE_TOKEN")))
	if err != nil {
		return err
	}
	defer c.Close()
	definition, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	imported, err := c.ImportIntegration(ctx, "", string(definition))
	if err != nil {
		return err
	}
	fmt.Println(imported.GetIntegration().GetId())
	return nil
}

func ExampleClient_Deploy() {
	c, err := client.Dial("127.0.0.1:9090")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	deployed, err := c.Deploy(context.Background(), "smith-acme", client.DeployOptions{})
	switch {
	case client.ReasonOf(err) == "INIT_FLOW_FAILED":
		fmt.Println("the old generation goes on serving:", client.Message(err))
	case err != nil:
		fmt.Println(err)
	default:
		for flow, url := range deployed.GetWebhookUrls() {
			fmt.Println(flow, url)
		}
	}
}

func ExampleClient_AllExecutions() {
	c, err := client.Dial("headrace.example.com:443", client.WithTLS(nil), client.WithToken(os.Getenv("HEADRACE_TOKEN")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	failed := &headracev1.ListExecutionsRequest{Filter: `instance_id = "smith-acme" AND state = "FAILED"`}
	for execution, err := range c.AllExecutions(context.Background(), failed) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(execution.GetId(), execution.GetError().GetMessage())
	}
}

func ExampleClient_Tail() {
	c, err := client.Dial("127.0.0.1:9090")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	for event, err := range c.Tail(context.Background(), "exe-01") {
		switch {
		case err != nil:
			fmt.Println(err)
		case event.StepResult != nil:
			fmt.Println(event.StepResult.GetPath(), event.StepResult.GetState())
		case event.Log != nil:
			fmt.Println(event.Log.GetMessage())
		}
	}
}
