package wechat

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

func TestTokenIsOfTheConfiguredKind(t *testing.T) {
	for _, c := range []struct {
		name    string
		classic bool
		path    string
	}{
		{"stable", false, "/cgi-bin/stable_token"},
		{"classic", true, "/cgi-bin/token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.Path)
				fmt.Fprint(w, `{"access_token":"t","expires_in":7200}`)
			}))
			defer server.Close()
			client, err := New(Config{BaseURL: server.URL, Classic: c.classic})
			if err != nil {
				t.Fatal(err)
			}
			if token, err := client.Token(t.Context(), "wx1", "secret", false); err != nil || token.Value != "t" {
				t.Errorf("token %q: %v", token.Value, err)
			}
			if !slices.Equal(asked, []string{c.path}) {
				t.Errorf("asked %v, want %s alone", asked, c.path)
			}
		})
	}
}
