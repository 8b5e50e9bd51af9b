// Package strictjson reads JSON that people write: settings, secrets, events of
// operators. What encoding/json passes over in silence is an error here.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// ErrTrailing: something follows the JSON value.
var ErrTrailing = errors.New("something follows the JSON value")

// Decode reads data, which is one JSON value and nothing after it, into v. A member
// that v does not have is an error. Errors: ErrTrailing, those of encoding/json, which
// can quote the data: a caller that reads a secret must not pass them on.
func Decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return ErrTrailing
	}
	return nil
}
