// Command infra is the CDK app: it synthesizes the stack of the stage that
// -c stage=NAME chooses.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/infra/stack"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	context, _ := app.Node().GetAllContext(nil).(map[string]any)
	settings, err := stack.Load(context, "build")
	exitOn(err)
	exitOn(settings.Belongs(os.Getenv("CDK_DEFAULT_ACCOUNT"))) // CDK sets it where there are credentials
	_, err = stack.New(app, settings)
	exitOn(err)
	app.Synth(nil)
}

// exitOn prints what is wrong, without the stack traces of jsii, and ends the process.
func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
