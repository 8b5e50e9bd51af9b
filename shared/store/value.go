package store

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode returns v as the Value of an item. The characters <, > and & stay as they
// are: a stored answer to WeChat is full of them. It panics when v has no JSON,
// which is a mistake in the program, and does not quote v.
func Encode(v any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(v) != nil {
		panic(fmt.Sprintf("store: a %T cannot be encoded", v))
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// Decode reads the item's Value into v. The error names the kind of the item and
// quotes nothing of the value: it may contain a secret.
func (i Item) Decode(v any) error {
	if json.Unmarshal(i.Value, v) != nil {
		return fmt.Errorf("store: the value of a %s item cannot be decoded", Kind(i.Key))
	}
	return nil
}
