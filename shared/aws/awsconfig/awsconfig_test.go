package awsconfig

import "testing"

// A service at a plain http address is not AWS.
func TestLocalServicesGetNoRealCredentials(t *testing.T) {
	for _, c := range []struct{ name, endpoint, want string }{
		{"AWS", "", "AKIAREAL"},
		{"an endpoint of a VPC", "https://vpce-1.dynamodb.example", "AKIAREAL"},
		{"the host of a container", "http://host.docker.internal:8000", "local"},
		{"this machine", "http://127.0.0.1:8000", "local"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "real")
			t.Setenv("AWS_SESSION_TOKEN", "real")
			t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", c.endpoint)
			got, err := Credentials("DYNAMODB").Retrieve(t.Context())
			if err != nil || got.AccessKeyID != c.want || (got.SessionToken == "") != (c.want == "local") {
				t.Errorf("%q: credentials of %s, %v", c.endpoint, got.AccessKeyID, err)
			}
		})
	}
}

func TestMissingCredentialsAreAnError(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", "")
	if _, err := Credentials("EVENTBRIDGE").Retrieve(t.Context()); err == nil {
		t.Error("no error without a secret key")
	}
}
