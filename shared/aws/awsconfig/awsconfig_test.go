package awsconfig

import "testing"

// TestStandInsGetNoRealIdentity: what listens at a plain http address is not AWS.
func TestStandInsGetNoRealIdentity(t *testing.T) {
	for endpoint, want := range map[string]string{
		"":                                 "AKIAREAL",
		"https://vpce-1.dynamodb.example":  "AKIAREAL",
		"http://host.docker.internal:8000": "local",
		"http://127.0.0.1:8000":            "local",
	} {
		t.Setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "real")
		t.Setenv("AWS_SESSION_TOKEN", "real")
		t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
		got, err := Credentials("DYNAMODB").Retrieve(t.Context())
		if err != nil || got.AccessKeyID != want || (got.SessionToken == "") != (want == "local") {
			t.Errorf("%q: identity %s, %v", endpoint, got.AccessKeyID, err)
		}
	}
}

func TestNoIdentity(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", "")
	if _, err := Credentials("EVENTBRIDGE").Retrieve(t.Context()); err == nil {
		t.Error("no error without a secret key")
	}
}
