package cli

import (
	"context"
	"path/filepath"

	"github.com/branchenv/branchenv/internal/aws"
	"github.com/branchenv/branchenv/internal/sandbox"
)

func (s *session) sandboxResources(context.Context) error {
	file, err := s.settings()
	if err != nil {
		return err
	}
	resources, err := sandbox.Resources(filepath.Join(sandboxDir(file), "aws"))
	if err != nil {
		return err
	}
	if s.json {
		return s.out.document(resources)
	}
	if len(resources) == 0 {
		s.say("there is nothing in the sandbox")
		return nil
	}
	s.out.raw(sandboxText(resources))
	return nil
}

// sandboxText returns a line for each resource, with the stack from its tags.
func sandboxText(resources []sandbox.Resource) string {
	var rows [][]string
	for _, r := range resources {
		rows = append(rows, []string{aws.TypeOf(r.Type).Noun, r.Name, orDash(r.Status), orDash(r.Tags["branchenv:stack"])})
	}
	return table([]string{"TYPE", "NAME", "STATUS", "STACK"}, rows)
}
