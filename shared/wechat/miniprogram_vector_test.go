package wechat

import (
	"encoding/json"
	"os"
	"testing"
)

func TestSessionSignatureVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/mini-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			ID    string
			Input struct {
				Key  string `json:"session_key"`
				Data string
			}
			Expected struct{ Signature string }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatalf("%d vectors, %v", len(file.Vectors), err)
	}
	for _, v := range file.Vectors {
		if got := sessionSignature(v.Input.Key, v.Input.Data); got != v.Expected.Signature {
			t.Errorf("%s: %s, want %s", v.ID, got, v.Expected.Signature)
		}
	}
}
