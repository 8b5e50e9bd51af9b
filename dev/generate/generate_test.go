package generate

import "testing"

func TestFilesAreCurrent(t *testing.T) {
	t.Chdir("../..")
	if err := Run(true); err != nil {
		t.Error(err)
	}
}
