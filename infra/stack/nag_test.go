package stack

import (
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
)

// accepted are the findings of cdk-nag that are no problem, and why.
var accepted = []struct{ rule, where, reason string }{
	{"AwsSolutions-APIG4", "/Route", "pages, browsers and WeChat call these routes without credentials; the functions check origin, session or WeChat's signature"},
	{"AwsSolutions-SMG4", "/AppSecrets", "an AppSecret is changed by hand in WeChat's console: there is no API for it"},
	{"AwsSolutions-SMG4", "/PushSecrets", "Token and EncodingAESKey are changed by hand in WeChat's console: there is no API for it"},
	{"AwsSolutions-SQS3", "/Failures", "it is itself the queue of dead letters"},
	{"AwsSolutions-IAM5", "/RefresherRole/Resource AwsSolutions-IAM5[Resource::<TableCD117FA1.Arn>/stream/*]", "ListStreams, which Lambda asks for, lists the streams of this one table"},
	{"AwsSolutions-IAM5", "Role/Resource AwsSolutions-IAM5[Resource::*]", "X-Ray, and the network interfaces of a function that may be in a network, know no resources; TestNoRightsBeyondTheManifestAndTheStage checks who has these rights"},
	{"AwsSolutions-VPC7", "/Vpc", "flow logs would cost more than the traffic, which goes to WeChat and AWS on port 443 alone"},
}

func warnings(stack awscdk.Stack) (out []string) {
	all := assertions.Annotations_FromStack(stack)
	for _, message := range append(*all.FindWarning(jsii.String("*"), assertions.Match_AnyValue()), *all.FindError(jsii.String("*"), assertions.Match_AnyValue())...) {
		//lint:ignore SA1019 CDK's assertions still return this type
		id, entry := message.Id, message.Entry
		text, _ := entry.Data.(string)
		out = append(out, *id+" "+text)
	}
	return out
}

var finding = regexp.MustCompile(`(AwsSolutions-[A-Z0-9]+)(\[[^\]]*\])?`)

// TestStacksHaveOnlyAcceptedFindings runs the AwsSolutions rules over every variant. Each accepted finding must
// also occur, so that the list has none that is out of date.
func TestStacksHaveOnlyAcceptedFindings(t *testing.T) {
	occurred := map[int]bool{}
	for _, v := range variants(t) {
		name := v.name
		for _, text := range warnings(synth(t, name).stack) {
			if strings.Contains(text, "CdkNagValidationFailure") {
				t.Errorf("%s: %s", name, text)
			}
			match := finding.FindStringSubmatch(text)
			if match == nil {
				continue
			}
			known := false
			for i, a := range accepted {
				if a.rule == match[1] && strings.Contains(text, a.where) {
					known, occurred[i] = true, true
				}
			}
			if !known {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	for i, a := range accepted {
		if !occurred[i] {
			t.Errorf("%s %s does not occur any more (%s)", a.rule, a.where, a.reason)
		}
	}
}
