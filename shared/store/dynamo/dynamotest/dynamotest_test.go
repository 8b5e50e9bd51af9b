package dynamotest_test

import (
	"testing"

	"wechatfn/shared/store"
	"wechatfn/shared/store/dynamo"
	"wechatfn/shared/store/dynamo/dynamotest"
)

func TestTablesAreSeparate(t *testing.T) {
	first := dynamotest.Start(t)
	second := first.NewTable(t)
	for _, engine := range []dynamotest.Engine{first, second} {
		s, err := dynamo.New(dynamo.Config{Client: engine.Client, Table: engine.Table})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Create(t.Context(), store.Item{Key: "lease#wx1", Value: []byte(`{}`)}); err != nil {
			t.Errorf("table %s: %v", engine.Table, err)
		}
	}
}
