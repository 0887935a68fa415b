package text

import "regexp"

// credentials matches what may stand before the host of a URL. Some put a token there as the user's name.
var credentials = regexp.MustCompile(`(://)[^/\s@]+@`)

// queries matches what follows the path of a URL. Some put a token there.
var queries = regexp.MustCompile(`(://[^\s?#]+)[?#][^\s'"]*`)

// Redact removes from every URL in s the parts that may hold a credential: user, password, query and fragment.
func Redact(s string) string {
	return queries.ReplaceAllString(credentials.ReplaceAllString(s, "$1"), "$1")
}
