package cli

import (
	"bufio"
	"context"
	"strings"

	"github.com/branchenv/branchenv/internal/fault"
)

// confirm asks for a yes. An interrupt during the question is a no.
func (s *session) confirm(ctx context.Context) error {
	s.err.raw("Type yes to go on: ")
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(s.in).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case a := <-answer:
		if a == "yes" {
			return nil
		}
		return fault.Failedf("not confirmed; nothing was changed")
	case <-ctx.Done():
		s.err.raw("\n")
		return fault.Failedf("interrupted; nothing was changed")
	}
}
