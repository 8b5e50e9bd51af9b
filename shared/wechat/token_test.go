package wechat

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

func TestTokenIsOfTheConfiguredKind(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		fmt.Fprint(w, `{"access_token":"t","expires_in":7200}`)
	}))
	defer server.Close()
	for _, classic := range []bool{false, true} {
		c, err := New(Config{BaseURL: server.URL, Classic: classic})
		if err != nil {
			t.Fatal(err)
		}
		if token, err := c.Token(t.Context(), "wx1", "secret", false); err != nil || token.Value != "t" {
			t.Errorf("classic %v: %v", classic, err)
		}
	}
	if want := []string{"/cgi-bin/stable_token", "/cgi-bin/token"}; !slices.Equal(asked, want) {
		t.Errorf("asked %v, want %v", asked, want)
	}
}
