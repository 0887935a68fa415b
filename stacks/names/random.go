package names

import (
	"crypto/rand"
	"math/big"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// RandomSuffix returns a suffix that makes a name new: 6 characters a-z0-9, one of 2 billion.
func RandomSuffix() (string, error) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	var b strings.Builder
	for range 6 {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(letters))))
		if err != nil {
			return "", fault.Failedf("read random numbers: %w", err)
		}
		b.WriteByte(letters[n.Int64()])
	}
	return b.String(), nil
}
