package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// JSON answers with v. Nothing is escaped for HTML: a signed URL comes back
// with its & as &. Answers are made for one caller at one moment, so no cache
// may store them.
//
// It returns an error, and has written nothing, when v cannot be encoded. A
// client that has gone away is no error.
func JSON(w http.ResponseWriter, status int, v any) error {
	return writeJSON(w, status, "application/json", v)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return fmt.Errorf("web: encode answer: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
	return nil
}
