package dynamo

import (
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"wechatfn/shared/store"
)

// Attributes of an item. DynamoDB reserves many words, such as value, so conditions
// name attributes by aliases.
const (
	attrKey     = store.TableKey
	attrValue   = "value"
	attrVersion = "version"
	attrExpires = store.TableTTL
)

// condition is a condition expression in which :now is the time.
type condition struct {
	text   string
	names  map[string]string
	values map[string]types.AttributeValue
}

// absent holds if no valid item is stored.
func absent() condition {
	return condition{
		text:  "attribute_not_exists(#k) OR #e <= :now",
		names: map[string]string{"#k": attrKey, "#e": attrExpires},
	}
}

// hasVersion holds if a valid item of this version is stored.
func hasVersion(version string) condition {
	return condition{
		text:   "#v = :read AND (attribute_not_exists(#e) OR #e > :now)",
		names:  map[string]string{"#v": attrVersion, "#e": attrExpires},
		values: map[string]types.AttributeValue{":read": text(version)},
	}
}

// at returns the values of the condition at now.
func (c condition) at(now time.Time) map[string]types.AttributeValue {
	values := map[string]types.AttributeValue{":now": number(now.Unix())}
	maps.Copy(values, c.values)
	return values
}

// withVersion is the item as readers will get it.
func withVersion(item store.Item, version string) store.Item {
	return store.Item{
		Key:       item.Key,
		Value:     item.Value,
		Version:   version,
		ExpiresAt: store.ExpiryTime(item.ExpirySeconds()),
	}
}

func marshal(item store.Item) map[string]types.AttributeValue {
	attributes := primaryKey(item.Key)
	attributes[attrValue] = text(string(item.Value))
	attributes[attrVersion] = text(item.Version)
	if seconds := item.ExpirySeconds(); seconds != 0 {
		attributes[attrExpires] = number(seconds)
	}
	return attributes
}

// unmarshal returns the zero Item for no attributes.
func unmarshal(attributes map[string]types.AttributeValue) store.Item {
	if len(attributes) == 0 {
		return store.Item{}
	}
	item := store.Item{
		Key:     textOf(attributes[attrKey]),
		Value:   []byte(textOf(attributes[attrValue])),
		Version: textOf(attributes[attrVersion]),
	}
	if n, ok := attributes[attrExpires].(*types.AttributeValueMemberN); ok {
		seconds, _ := strconv.ParseInt(n.Value, 10, 64) // ours are always whole
		item.ExpiresAt = store.ExpiryTime(seconds)
	}
	return item
}

func primaryKey(key string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrKey: text(key)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func textOf(value types.AttributeValue) string {
	if s, ok := value.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
