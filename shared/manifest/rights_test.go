package manifest

import (
	"fmt"
	"slices"
	"testing"
)

// TestStatements pins who may do what. A change of a right must be made here too.
func TestStatements(t *testing.T) {
	const get, put = "[dynamodb:GetItem]", "[dynamodb:GetItem dynamodb:PutItem]"
	for _, c := range []struct {
		function string
		want     []string
	}{
		{"signature", []string{
			"ItemsGetItem " + get + " TABLE_NAME [ticket#*] false",
			"ItemsGetItemPutItem " + put + " TABLE_NAME [refresh_request#* signature#*] false",
		}},
		{"oauth", []string{
			"ItemsGetItemPutItem " + put + " TABLE_NAME [state#* code#* session#* user#* union#* refresh_request#*] false",
			"ItemsGetItem " + get + " TABLE_NAME [token#*] false",
			"Secret [secretsmanager:GetSecretValue] WECHAT_SECRETS_ARN [] false",
		}},
		{"verify", []string{
			"ItemsGetItemPutItem " + put + " TABLE_NAME [push#*] false",
			"Secret [secretsmanager:GetSecretValue] WECHAT_PUSH_SECRETS_ARN [] false",
			"Bus [events:PutEvents] EVENT_BUS_NAME [] false",
			"Invoke [lambda:InvokeFunction] REPLY_FUNCTION [] true",
		}},
		{"refresher", []string{
			"ItemsGetItemPutItem " + put + " TABLE_NAME [token#* ticket#*] false",
			"ItemsGetItem " + get + " TABLE_NAME [refresh_request#*] false",
			"Secret [secretsmanager:GetSecretValue] WECHAT_SECRETS_ARN [] false",
		}},
	} {
		t.Run(c.function, func(t *testing.T) {
			var got []string
			for _, s := range lookup(t, c.function).Statements() {
				got = append(got, fmt.Sprint(s.ID, " ", s.Actions, " ", s.Resource, " ", s.Keys, " ", s.Optional))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}
