package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/config"
	"wechatfn/shared/store"
)

// data makes the table, the secrets, the bus, and the queue for failed invocations.
//
// The table and the secrets have generated names: if they are retained, a new stack of
// the same stage could not use a fixed name again.
func (b *builder) data() {
	b.table = awsdynamodb.NewTable(b.stack, jsii.String("Table"), &awsdynamodb.TableProps{
		PartitionKey:        &awsdynamodb.Attribute{Name: jsii.String(store.TableKey), Type: awsdynamodb.AttributeType_STRING},
		BillingMode:         awsdynamodb.BillingMode_PAY_PER_REQUEST,
		TimeToLiveAttribute: jsii.String(store.TableTTL),
		Stream:              awsdynamodb.StreamViewType_KEYS_ONLY,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true),
		},
		DeletionProtection: jsii.Bool(b.IsProduction()),
		RemovalPolicy:      b.retained(awscdk.RemovalPolicy_RETAIN), // with unlessFailed a rollback would fail at the protection
	})
	b.allSecrets()
	b.bus = awsevents.NewEventBus(b.stack, jsii.String("Bus"), &awsevents.EventBusProps{
		EventBusName: jsii.String(b.name("")),
		Description:  jsii.String("Messages and events that WeChat pushes"),
	})
	// Four days are a long weekend. Older failures are over, and the alarm must end with them.
	b.failures = awssqs.NewQueue(b.stack, jsii.String("Failures"), &awssqs.QueueProps{
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:      jsii.Bool(true),
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(4)),
	})
}

// holds is the id and the content of each secret.
var holds = map[string][2]string{
	config.EnvSecretsARN:     {"AppSecrets", `AppSecrets, as JSON: {"ACCOUNT": "APPSECRET"}`},
	config.EnvPushSecretsARN: {"PushSecrets", `Token and EncodingAESKey of the server URL, as JSON: {"ACCOUNT": {"token": "...", "encodingAESKey": "..."}}`},
}

// allSecrets makes the secrets that the functions read, without a value: it comes from
// WeChat's console.
func (b *builder) allSecrets() {
	b.secrets = map[string]awssecretsmanager.CfnSecret{}
	for _, f := range b.included() {
		if f.Secret == "" || b.secrets[f.Secret] != nil {
			continue
		}
		what, known := holds[f.Secret]
		if !known {
			what = [2]string{"Secret" + strings.ReplaceAll(f.Secret, "_", ""), "See " + f.Secret + " in docs/reference.md"}
		}
		secret := awssecretsmanager.NewCfnSecret(b.stack, jsii.String(what[0]), &awssecretsmanager.CfnSecretProps{Description: jsii.String("wechatfn " + b.Stage + ": " + what[1])})
		secret.ApplyRemovalPolicy(b.retained(unlessFailed), nil)
		b.secrets[f.Secret] = secret
	}
}
