package cloud

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// Expand replaces the placeholders in a template:
//
//   - {region}, {account}, {name}, {now}
//   - {bare}: the name without a leading slash
//   - {uuid}: a random UUID
//   - {hexN}, {idN}, {baseN}: N random hexadecimal digits, capital letters and digits, small letters and digits
//   - any other name: the output of that name
func (o *Operation) Expand(template string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		key, after, _ := strings.Cut(rest, "}")
		out.WriteString(o.placeholder(key))
		template = after
	}
}

func (o *Operation) placeholder(key string) string {
	switch key {
	case "region":
		return o.Region
	case "account":
		return Account
	case "name":
		return o.Record.Name
	case "now":
		return o.Tx.Now.UTC().Format("20060102150405.000000")
	case "bare":
		return strings.TrimPrefix(o.Record.Name, "/")
	case "uuid":
		h := random(hexDigits, 32)
		return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	}
	var n int
	if _, err := fmt.Sscanf(key, "hex%d", &n); err == nil {
		return random(hexDigits, n)
	}
	if _, err := fmt.Sscanf(key, "id%d", &n); err == nil {
		return random(base32, n)
	}
	if _, err := fmt.Sscanf(key, "base%d", &n); err == nil {
		return strings.ToLower(random(base32, n))
	}
	return o.Record.Outputs.Text(key)
}

// The letters of ids in AWS.
const (
	hexDigits = "0123456789abcdef"
	base32    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// random returns n random letters. All letters are equally likely, because there are 16 or 32 of them.
func random(letters string, n int) string {
	b := make([]byte, n)
	rand.Read(b)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}
