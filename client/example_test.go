package client_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func Example() {
	c, err := client.Dial("127.0.0.1:9090", client.WithToken(os.Getenv("HEADRACE_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	ctx := context.Background()
	definition, err := os.ReadFile("integration.yaml")
	if err != nil {
		log.Fatal(err)
	}
	imported, err := c.ImportIntegration(ctx, "", string(definition))
	if err != nil {
		for _, v := range client.Violations(err) {
			fmt.Println(v.Field, v.Description)
		}
		log.Fatal(err)
	}
	fmt.Println(imported.GetIntegration().GetId())
}

func ExampleClient_Deploy() {
	c, err := client.Dial("127.0.0.1:9090")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	deployed, err := c.Deploy(context.Background(), "smith-acme", client.DeployOptions{})
	if client.ReasonOf(err) == "INIT_FLOW_FAILED" {
		fmt.Println("the old generation goes on serving:", client.Message(err))
		return
	}
	if err != nil {
		log.Fatal(err)
	}
	for flow, url := range deployed.GetWebhookUrls() {
		fmt.Println(flow, url)
	}
}

func ExampleClient_AllExecutions() {
	c, err := client.Dial("headrace.example.com:443", client.WithTLS(nil), client.WithToken(os.Getenv("HEADRACE_TOKEN")))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	failed := &headracev1.ListExecutionsRequest{Filter: `instance_id = "smith-acme" AND state = "FAILED"`}
	for execution, err := range c.AllExecutions(context.Background(), failed) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(execution.GetId(), execution.GetError().GetMessage())
	}
}

func ExampleClient_Tail() {
	c, err := client.Dial("127.0.0.1:9090")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	for event, err := range c.Tail(context.Background(), "ex_01") {
		switch {
		case err != nil:
			log.Fatal(err)
		case event.StepResult != nil:
			fmt.Println(event.StepResult.GetPath(), event.StepResult.GetState())
		case event.Log != nil:
			fmt.Println(event.Log.GetMessage())
		}
	}
}
