package jssdk

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

type vector struct {
	ID, Kind string
	Input    struct {
		Ticket, NonceStr, Timestamp, URL string
		Values                           []string
		APITicket                        string `json:"api_ticket"`
		CardNonce                        string `json:"nonce_str"`
		CardID                           string `json:"card_id"`
		Code, OpenID                     string
	}
	Expected struct {
		Signature    string
		MustNotEqual string `json:"must_not_equal"`
	}
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []vector
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestVectors(t *testing.T) {
	seen := map[string]int{}
	for _, v := range vectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			seen[v.Kind]++
			got := signVector(t, v)
			if got != v.Expected.Signature {
				t.Errorf("signature %s, want %s", got, v.Expected.Signature)
			}
			if got == v.Expected.MustNotEqual {
				t.Error("the URL was normalised")
			}
		})
	}
	if seen["jssdk"] == 0 || seen["jssdk-negative"] == 0 || seen["wx_card"] == 0 {
		t.Errorf("a kind of vector is missing: %v", seen)
	}
}

func signVector(t *testing.T, v vector) string {
	if v.Kind != "wx_card" {
		timestamp, err := strconv.ParseInt(v.Input.Timestamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return Sign(v.Input.Ticket, v.Input.NonceStr, timestamp, v.Input.URL)
	}
	if v.Input.Values != nil {
		return SignCard(v.Input.Values...)
	}
	return SignCard(v.Input.APITicket, v.Input.Timestamp, v.Input.CardNonce, v.Input.CardID, v.Input.Code, v.Input.OpenID)
}

func BenchmarkSign(b *testing.B) {
	v := vectors(b)[0].Input
	b.ReportAllocs()
	for b.Loop() {
		Sign(v.Ticket, v.NonceStr, 1414587457, v.URL)
	}
}
